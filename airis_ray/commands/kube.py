"""`airis kube status | apply | scale | upgrade | backup | restore | logs`: the system on a Kubernetes cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from airis_ray.commands.output import JsonFlag, show, table
from airis_ray.errors import InvalidInput

if TYPE_CHECKING:
    from airis_ray.kube.cluster import Cluster
    from airis_ray.kube.state import Status

app = typer.Typer(no_args_is_help=True, help="The system on a Kubernetes cluster.")

ContextOption = Annotated[
    str | None, typer.Option("--context", help="context of the kubeconfig (its current one)")
]
NamespaceOption = Annotated[str, typer.Option("--namespace", "-n", help="namespace of the system")]
DryRunFlag = Annotated[
    bool, typer.Option("--dry-run", help="ask the server about everything, change nothing")
]
WaitFlag = Annotated[bool, typer.Option("--wait", help="until it is done, saying each step")]
TimeoutOption = Annotated[int, typer.Option("--timeout", min=1, help="seconds that --wait waits at most")]


@app.command()
def status(
    context: ContextOption = None, namespace: NamespaceOption = "airis", as_json: JsonFlag = False
) -> None:
    """Ray, the stateful tier, lag, upgrades and backups in one view. Exit status 1 where it is not green."""
    from airis_ray.kube.state import status as ask

    with _cluster(context, namespace) as cluster:
        found = ask(cluster)
    show(found.as_dict(), as_json, lambda: _tell(found))
    if not found.green:
        raise typer.Exit(1)


@app.command()
def apply(
    overlay: Annotated[Path, typer.Argument(help="kustomize folder, or a file of manifests (- for stdin)")],
    wait: WaitFlag = False,
    timeout: TimeoutOption = 900,
    dry_run: DryRunFlag = False,
    force: Annotated[bool, typer.Option("--force", help="take over fields that others set")] = False,
    context: ContextOption = None,
    namespace: NamespaceOption = "airis",
) -> None:
    """Bring an overlay onto the cluster; the server tries every object before the first is changed."""
    from airis_ray.kube.apply import apply as bring
    from airis_ray.kube.manifests import read
    from airis_ray.kube.progress import wait as until

    objects = read(overlay)
    with _cluster(context, namespace) as cluster:
        done = bring(cluster, objects, dry_run=dry_run, force=force, say=_say)
        for warning in dict.fromkeys(cluster.warnings):
            _say(f"warning: {warning}")
        counts = {
            word: sum(item.outcome == word for item in done) for word in ("created", "changed", "unchanged")
        }
        _say(f"{len(done)} objects: " + ", ".join(f"{count} {word}" for word, count in counts.items()))
        if wait and not dry_run:
            until(cluster, objects, seconds=timeout, say=_say)


@app.command()
def scale(
    name: Annotated[str, typer.Argument(help="worker group (light) or Serve application (ingest)")],
    least: Annotated[int | None, typer.Option("--min", min=0, help="fewest pods or replicas")] = None,
    most: Annotated[int | None, typer.Option("--max", min=0, help="most pods or replicas")] = None,
    dry_run: DryRunFlag = False,
    context: ContextOption = None,
    namespace: NamespaceOption = "airis",
) -> None:
    """New bounds for a worker group or an application. The next `apply` sets what the overlay says."""
    from airis_ray.kube.changes import carry_out, ray_service
    from airis_ray.kube.changes import scale as change_of

    with _cluster(context, namespace) as cluster:
        change = change_of(ray_service(cluster), name, least, most)
        carry_out(cluster, change, dry_run=dry_run)
    _say(_tried(change.said, dry_run))


@app.command()
def upgrade(
    image: Annotated[
        str | None, typer.Option(help="image of the new cluster (left out: show the state)")
    ] = None,
    wait: WaitFlag = False,
    timeout: TimeoutOption = 1800,
    dry_run: DryRunFlag = False,
    context: ContextOption = None,
    namespace: NamespaceOption = "airis",
    as_json: JsonFlag = False,
) -> None:
    """Hand over to a new Ray cluster with another image, and show the old and the new one."""
    from airis_ray.kube.changes import carry_out, ray_service
    from airis_ray.kube.changes import upgrade as change_of
    from airis_ray.kube.state import status as ask
    from airis_ray.kube.upgrades import watch

    with _cluster(context, namespace) as cluster:
        if image is not None:
            change = change_of(ray_service(cluster), image)
            carry_out(cluster, change, dry_run=dry_run)
            _say(_tried(change.said, dry_run))
        if wait and not dry_run:
            watch(cluster, image, seconds=timeout, say=_say)
        found = ask(cluster)
    rows = {"upgrade": found.upgrade, "clusters": found.as_dict()["ray"]}
    show(rows, as_json, lambda: _tell_clusters(found))


@app.command()
def backup(
    wait: WaitFlag = False,
    timeout: TimeoutOption = 7200,
    dry_run: DryRunFlag = False,
    context: ContextOption = None,
    namespace: NamespaceOption = "airis",
) -> None:
    """Back the whole database up now, as the job of 02:00 does."""
    from airis_ray.kube.jobs import BACKUP

    with _cluster(context, namespace) as cluster:
        _run_job(cluster, BACKUP, None, wait=wait, timeout=timeout, dry_run=dry_run)


@app.command()
def restore(
    name: Annotated[str, typer.Option("--backup", help="name of the backup, as the backup job prints it")],
    yes: Annotated[bool, typer.Option("--yes", help="do not ask before the platform is stopped")] = False,
    timeout: TimeoutOption = 7200,
    dry_run: DryRunFlag = False,
    context: ContextOption = None,
    namespace: NamespaceOption = "airis",
) -> None:
    """Stop the platform, bring the database back from a backup, start the platform. The database has to be empty."""
    from airis_ray.kube.jobs import NAME_VARIABLE, RESTORE, backup_name
    from airis_ray.kube.stops import stopped

    chosen = backup_name(name)
    if not (yes or dry_run) and not typer.confirm(
        f"stop the platform and restore {chosen} in {namespace!r}?"
    ):
        raise InvalidInput("nothing was restored: the answer was no")
    with (
        _cluster(context, namespace) as cluster,
        stopped(cluster, seconds=timeout, dry_run=dry_run, say=_say),
    ):
        _run_job(cluster, RESTORE, {NAME_VARIABLE: chosen}, wait=True, timeout=timeout, dry_run=dry_run)


@app.command()
def logs(
    part: Annotated[str, typer.Argument(help="part (clickhouse, kafka, ray-worker, light, …) or pod")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="go on as lines come")] = False,
    tail: Annotated[int, typer.Option(min=0, help="newest lines of each container")] = 100,
    since: Annotated[int | None, typer.Option(min=1, help="only the last so many seconds")] = None,
    container: Annotated[str | None, typer.Option("--container", "-c", help="only this container")] = None,
    context: ContextOption = None,
    namespace: NamespaceOption = "airis",
) -> None:
    """The logs of a part's pods."""
    from airis_ray.kube.cluster import Cluster
    from airis_ray.kube.logs import lines, sources

    with _cluster(context, namespace) as cluster:
        chosen = sources(cluster, part, container)
    try:
        for line in lines(
            lambda: Cluster.open(context, namespace), chosen, follow=follow, tail=tail, since=since
        ):
            _say(line)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


@contextmanager
def _cluster(context: str | None, namespace: str) -> Iterator[Cluster]:
    from airis_ray.kube.cluster import Cluster

    cluster = Cluster.open(context, namespace)
    try:
        yield cluster
    finally:
        cluster.close()


def _run_job(
    cluster: Cluster, name: str, variables: dict[str, str] | None, *, wait: bool, timeout: int, dry_run: bool
) -> None:
    from airis_ray.kube.jobs import start
    from airis_ray.kube.progress import wait as until

    job = start(cluster, name, variables, dry_run=dry_run)
    _say(_tried(f"Job/{job['metadata']['name']} started", dry_run))
    if wait and not dry_run:
        until(cluster, [job], seconds=timeout, say=_say)


def _tell(found: Status) -> None:
    print(
        f"{'green' if found.green else 'not green'}: {found.message or 'ready'}   ({found.cluster}, {found.namespace})"
    )
    _tell_clusters(found)
    if found.stateful:
        print("\nstateful and around")
        table(
            [
                {"part": w.part, "ready": f"{w.ready}/{w.wanted}", "storage": w.storage, "image": w.image}
                for w in found.stateful
            ]
        )
    if found.platform:
        print("\nplatform (/readyz)")
        table([{"part": name, "state": state} for name, state in found.platform.items()])
    if found.pods:
        print("\npods that wait")
        table([{"pod": name, "why": why} for name, why in found.pods.items()])
    if found.backups:
        print("\njobs by the clock")
        table(
            [
                {"job": job.name, "schedule": job.schedule, "last success": job.last or "never"}
                for job in found.backups
            ]
        )


def _tell_clusters(found: Status) -> None:
    print(f"upgrade: {found.upgrade}")
    if found.ray:
        rows = [
            {
                "cluster": ray.name,
                "role": ray.role,
                "state": ray.state,
                "workers": ray.workers,
                "applications": ", ".join(f"{name} {state}" for name, state in ray.applications.items()),
                "image": ray.image,
            }
            for ray in found.ray
        ]
        table(rows)


def _tried(text: str, dry_run: bool) -> str:
    return f"{text} (dry run: nothing was changed)" if dry_run else text


def _say(line: str) -> None:
    print(line, flush=True)
