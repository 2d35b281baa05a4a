"""Calls to the outside: refused at once while a part is down, bounded in time, tried again with jitter.

Around a call::

    breaker = Breaker("redis")              # one a part and process; /readyz and /metrics show it by this name
    with breaker.call():                    # raises BreakerOpen (an Unavailable with retry_after) while open
        async with asyncio.timeout(0.5):    # inside: a call without a bound never tells the breaker anything
            await client.get(...)

An error that :func:`is_outage` recognizes (Unavailable, OSError, TimeoutError; or what ``counts`` says) is a failure;
any other outcome, also InvalidInput, shows that the part answers; Overloaded shows nothing (the queue was full before
the part was asked), nor does a cancelled call (but see ``patience``).

Where a call ends elsewhere than it began (a delivery report in another thread)::

    permit = breaker.admit()                # raises BreakerOpen
    producer.produce(..., on_delivery=lambda error, _: permit.failed(error) if error else permit.succeeded())

``permit.abandoned()`` ends a call that showed nothing; every permit must end, of several endings the first counts. All
of it may be called from any thread and never blocks. ``breaker.admit(force=True)`` and ``call(force=True)`` are for
probes: never refused, and the outcome counts.

Repeating::

    await Retry(within=4.0).run(once)       # ``once`` again on Unavailable, with backoff and full jitter; it waits
                                            # for an open breaker's next probe where that comes in time
"""

from airis_ray.resilience.breaker import (
    Breaker,
    BreakerOpen,
    BreakerPolicy,
    BreakerReport,
    Permit,
    State,
    breaker_reports,
    is_outage,
)
from airis_ray.resilience.retry import Retry

__all__ = [
    "Breaker",
    "BreakerOpen",
    "BreakerPolicy",
    "BreakerReport",
    "Permit",
    "Retry",
    "State",
    "breaker_reports",
    "is_outage",
]
