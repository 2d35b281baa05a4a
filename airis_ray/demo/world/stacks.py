"""Stack traces that exceptions and log bodies carry."""

from __future__ import annotations

from typing import Final

STACKS: Final = {
    "node": (
        "TypeError: Cannot read properties of undefined (reading 'price')\n"
        "    at renderProduct (/app/pages/product.js:88:31)\n"
        "    at async /app/server/render.js:41:18\n"
        "    at async Server.handle (/app/server/index.js:132:5)"
    ),
    "checkout": (
        "java.lang.IllegalStateException: order state is PENDING, expected CREATED\n"
        "\tat shop.checkout.OrderState.require(OrderState.java:57)\n"
        "\tat shop.checkout.PlaceOrder.run(PlaceOrder.java:143)\n"
        "\tat io.grpc.stub.ServerCalls$UnaryServerCallHandler.onHalfClose(ServerCalls.java:189)\n"
        "\tat java.base/java.lang.Thread.run(Thread.java:1583)"
    ),
    "checkout-2.4.0": (
        'java.lang.NullPointerException: Cannot invoke "Coupon.rate()" because "coupon" is null\n'
        "\tat shop.checkout.Discount.apply(Discount.java:31)\n"
        "\tat shop.checkout.PlaceOrder.total(PlaceOrder.java:201)\n"
        "\tat shop.checkout.PlaceOrder.run(PlaceOrder.java:149)\n"
        "\tat java.base/java.lang.Thread.run(Thread.java:1583)"
    ),
    "ad": (
        'java.lang.NullPointerException: Cannot invoke "Campaign.budget()" because "campaign" is null\n'
        "\tat shop.ad.Selector.pick(Selector.java:74)\n"
        "\tat shop.ad.AdService.getAds(AdService.java:52)\n"
        "\tat java.base/java.lang.Thread.run(Thread.java:1583)"
    ),
    "recommendation": (
        "java.lang.OutOfMemoryError: Java heap space\n"
        "\tat java.base/java.util.Arrays.copyOf(Arrays.java:3537)\n"
        "\tat shop.recommendation.CandidateCache.put(CandidateCache.java:66)\n"
        "\tat shop.recommendation.Ranker.rank(Ranker.java:118)"
    ),
    "accounting": (
        "Npgsql.PostgresException (0x80004005): 40P01: deadlock detected\n"
        "   at Npgsql.Internal.NpgsqlConnector.ReadMessage(Boolean async)\n"
        "   at Shop.Accounting.OrderStore.InsertAsync(Order order) in /src/OrderStore.cs:line 48\n"
        "   at Shop.Accounting.Consumer.LoopAsync() in /src/Consumer.cs:line 91"
    ),
}
