"""How many messages lie before the workers, as the broker says."""

import redis
import structlog

from celery_config import QUEUES
from settings import settings

logger = structlog.get_logger(__name__)

_PATIENCE_SECONDS = 0.3
_redis = redis.Redis.from_url(
    settings.redis_url,
    socket_timeout=_PATIENCE_SECONDS,
    socket_connect_timeout=_PATIENCE_SECONDS,
    retry=None,
)


def read_depths() -> dict[str, int] | None:
    """Return how many messages wait in each queue, or None while the broker cannot be asked."""
    try:
        with _redis.pipeline(transaction=False) as asked:
            for queue in QUEUES:
                asked.llen(queue)
            depths = asked.execute()
    except redis.RedisError as error:
        logger.warning("queues_unknown", error=type(error).__name__)
        return None
    return dict(zip(QUEUES, depths, strict=True))
