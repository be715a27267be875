"""`Transport` over aiohttp."""

import aiohttp
from yarl import URL

from helios_nautilus.adapters.valr.api.transport import ConnectError, Request, Response, TransportError

CONNECT_SECS = 5.0


class AiohttpTransport:
    """Keeps connections alive between requests. Construct it anywhere; use and close it in one event loop."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def send(self, request: Request) -> Response:
        """See `Transport`."""
        timeout = aiohttp.ClientTimeout(total=request.timeout_secs, sock_connect=CONNECT_SECS)
        try:
            async with self._open_session().request(
                request.method,
                # Quoting the target again would break its signature.
                URL(request.base_url + request.target, encoded=True),
                headers=request.headers,
                data=request.body or None,
                timeout=timeout,
                allow_redirects=False,
            ) as reply:
                headers = {name.lower(): value for name, value in reply.headers.items()}
                return Response(status=reply.status, headers=headers, body=await reply.read())
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise ConnectError(f"no connection to {request.base_url}") from error
        except TimeoutError as error:
            raise TransportError(f"no reply within {request.timeout_secs:g} s") from error
        except aiohttp.ClientError as error:
            what = type(error).__name__
        # Out here, so that not even a suppressed cause holds on to it: aiohttp keeps the request's headers, so the
        # key, in some of its errors.
        raise TransportError(f"the connection broke ({what})")

    async def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(auto_decompress=True)
            # aiohttp sends a PUT or DELETE again by itself when a kept-alive connection turns out dead. For an order
            # that is a second modify. There is no public switch; a test fails should this one go away.
            self._session._retry_connection = False
        return self._session
