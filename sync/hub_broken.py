"""Exceptions of the HTTP library, of TLS and of sockets, as faults in plain words.

No exception of aiohttp leaves the transport; each becomes a HubFault whose text says what to look
at. Texts of the library are not repeated: they hold addresses, headers and object names.

Deliberately not here: what a hub says about a request (sync.hub_faults).
"""

import errno
import ssl
from typing import Final

import aiohttp

from sync.hub_address import HubAddress
from sync.hub_faults import HubFault, Why

# OpenSSL's X509_V_ERR_*, which ssl.SSLCertVerificationError carries.
_NOT_YET: Final = 9
_EXPIRED: Final = 10
_UNKNOWN_ISSUER: Final = frozenset({2, 7, 18, 19, 20, 21})
_OTHER_NAME: Final = frozenset({62, 64})
_NO_ROUTE: Final = frozenset(
    {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL}
)
Broken = aiohttp.ClientError | OSError


def fault_from(error: Broken, address: HubAddress) -> HubFault:
    """The fault that this exception of a request stands for."""
    if isinstance(error, aiohttp.ClientProxyConnectionError | aiohttp.ClientHttpProxyError):
        return _proxy(error, address)
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return _certificate(error.certificate_error, address.host)
    if isinstance(error, aiohttp.ClientConnectorSSLError | ssl.SSLError):
        return HubFault(
            Why.TLS,
            f"{address.host}: no TLS of version 1.2 or newer came about; "
            "look at the port and at what stands between",
        )
    if isinstance(error, aiohttp.ClientConnectorError):
        return _connecting(error, address)
    if isinstance(error, aiohttp.ClientResponseError | aiohttp.InvalidURL):
        return HubFault(Why.ANSWER, f"{address.host}: what answers does not speak HTTP properly")
    return HubFault(Why.BROKEN_OFF, f"{address.host}: the connection broke off")


def too_slow(address: HubAddress, within: float) -> HubFault:
    """A whole call took longer than it may, however lively its bytes were."""
    return HubFault(Why.TIMEOUT, f"{address.host}: not done within {within:g} s")


def _connecting(error: aiohttp.ClientConnectorError, address: HubAddress) -> HubFault:
    host = address.host
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        if address.proxy_host:
            return HubFault(Why.PROXY, f"{address.proxy_host} ([register.hub] proxy): not found")
        return HubFault(
            Why.NAME, f"{host}: its name is not found; look at the name server and at the url"
        )
    number = error.os_error.errno
    if number == errno.ECONNREFUSED:
        return HubFault(Why.REFUSED, f"{host}: nothing listens there, or a firewall refuses")
    if number in _NO_ROUTE:
        return HubFault(Why.NO_ROUTE, f"{host}: no way there; is the network of this device up?")
    return HubFault(Why.BROKEN_OFF, f"{host}: no connection came about")


def _proxy(
    error: aiohttp.ClientProxyConnectionError | aiohttp.ClientHttpProxyError, address: HubAddress
) -> HubFault:
    proxy = f"{address.proxy_host} ([register.hub] proxy)"
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return HubFault(Why.PROXY, f"{proxy}: cannot be reached")
    if error.status == 407:
        return HubFault(Why.PROXY, f"{proxy}: wants another name and password")
    return HubFault(Why.PROXY, f"{proxy}: does not let through to {address.host} ({error.status})")


def _certificate(error: Exception, host: str) -> HubFault:
    code = error.verify_code if isinstance(error, ssl.SSLCertVerificationError) else 0
    if code == _EXPIRED:
        said = "the hub's certificate has expired; renew it at the hub (or is this clock ahead?)"
    elif code == _NOT_YET:
        said = "the hub's certificate is not valid yet; is the clock of this device behind?"
    elif code in _OTHER_NAME:
        said = "the certificate is of another name; correct the url, or somebody stands between"
    elif code in _UNKNOWN_ISSUER:
        said = "the certificate is of an authority that is not known here; set ca_file"
    else:
        said = "the certificate cannot be verified"
    return HubFault(Why.CERTIFICATE, f"{host}: {said}")
