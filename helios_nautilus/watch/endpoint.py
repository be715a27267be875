"""The address that Prometheus reads: prometheus-client's own server, on a thread of its own."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, start_http_server

from helios_nautilus.errors import ConfigError
from helios_nautilus.watch.settings import MetricsSettings


@contextmanager
def serve_metrics(registry: CollectorRegistry, settings: MetricsSettings) -> Iterator[int | None]:
    """Serve a registry meanwhile; the port, or None if none is wanted. `ConfigError` if the address cannot be had."""
    if not settings.port:
        yield None
        return
    try:
        server, thread = start_http_server(settings.port, settings.host, registry)
    except OSError as error:
        place = f"{settings.host}:{settings.port}"
        raise ConfigError(f"[metrics]: cannot listen on {place} ({error.strerror}); choose another port") from error
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
