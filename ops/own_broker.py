"""A Redis server of the caller's own: does it answer, and will it keep what it is given."""

import redis

from ops.errors import OpsError


def check_broker(url: str) -> None:
    """Refuse a server that is away or that may drop keys when it is full. Raises OpsError."""
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5) as client:
            memory = client.info("memory")
    except (redis.RedisError, ValueError, OSError) as error:
        raise OpsError(
            f"REDIS_URL: {str(error).rstrip('.')}; is the server running, and the address right?"
        ) from None
    policy = memory.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        raise OpsError(
            f"REDIS_URL: the server drops keys when it is full (maxmemory-policy {policy});"
            " set it to noeviction"
        )
