"""How a Kubeflow Pipelines server is reached, and what is reported when it is not."""

import contextlib
import io
import json
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from stethoscope.errors import ParameterError, StethoscopeError


class ClusterError(StethoscopeError):
    """The cluster cannot be reached, or refuses a request."""


class UnreachableError(ClusterError):
    """The server does not answer, or answers that it cannot work at the moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A server, and by what it knows the user.

    Attributes
    ----------
    host : str
        Address of the server; empty inside the cluster, or for the cluster that kubectl is set to.
    namespace : str
        Namespace of the user, on a cluster that several users share.
    server_namespace : str
        Namespace in which Kubeflow Pipelines is installed; it matters where `host` is empty.
    token : str
        Bearer token; empty inside the cluster, and for a server without login.
    cookies : str
        Cookies of a session in the browser, for a login by Dex or OAuth.
    ca_cert : str
        File with the certificate of the authority that the server's certificate is signed by.
    """

    host: str = ""
    namespace: str = ""
    server_namespace: str = "kubeflow"
    token: str = ""
    cookies: str = ""
    ca_cert: str = ""

    def client(self) -> Any:
        """Return KFP's client for this server.

        Raises
        ------
        ClusterError
            If the server does not answer, or has several users and `namespace` is empty.
        """
        import kfp

        if self.host:
            self._check_server()
        with self.requesting(), warnings.catch_warnings():
            # Of the version of the server, and of addresses without https://.
            warnings.simplefilter("ignore")
            client = kfp.Client(
                host=self.host.rstrip("/") or None,
                namespace=self.server_namespace,
                existing_token=self.token or None,
                cookies=self.cookies or None,
                ssl_ca_cert=self.ca_cert or None,
            )
        if self.namespace or self.server_namespace != "kubeflow":
            # The client takes a namespace of the server that is not the usual one for the user's.
            client._context_setting = {"namespace": self.namespace}
        return client

    @contextlib.contextmanager
    def requesting(self) -> Iterator[None]:
        """Raise what can go wrong as `ClusterError`, and keep KFP's client from printing."""
        import kfp_server_api
        import urllib3

        where = self.host or "the cluster of this environment"
        level = logging.getLogger("urllib3").level
        logging.getLogger("urllib3").setLevel(logging.ERROR)
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                yield
        except kfp_server_api.ApiException as error:
            raise _refusal(where, error) from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise _unreachable(where) from error
        except (RuntimeError, TimeoutError, ValueError) as error:
            raise ClusterError(f"{where}: {' '.join(str(error).split())}") from error
        finally:
            logging.getLogger("urllib3").setLevel(level)

    def log(self, run_id: str, pod: str) -> str:
        """Return the log of a pod of a run; empty if the server does not have it."""
        import requests

        url = f"{self.host.rstrip('/')}/apis/v1alpha1/runs/{run_id}/nodes/{pod}/log"
        try:
            answer = self._get(url)
        except requests.RequestException:
            return ""
        is_page = "html" in answer.headers.get("Content-Type", "")
        return answer.text if answer.ok and not is_page else ""

    def _get(self, url: str) -> Any:
        import requests

        headers = {
            **({"Authorization": f"Bearer {self.token}"} if self.token else {}),
            **({"Cookie": self.cookies} if self.cookies else {}),
        }
        return requests.get(url, headers=headers, timeout=15, verify=self.ca_cert or True)

    def _check_server(self) -> None:
        """Check that a server answers.

        Without a server, KFP's client would try for half a minute and give no reason.
        """
        import requests

        host = self.host.rstrip("/")
        try:
            answer = self._get(f"{host}/apis/v2beta1/healthz")
        except requests.exceptions.InvalidSchema as error:
            raise ParameterError(
                f"host is {host!r}; give an address such as http://localhost:8080"
            ) from error
        except requests.exceptions.SSLError as error:
            raise ClusterError(
                f"{host} has a certificate that is not trusted here; "
                "name the file of its authority by --ca-cert"
            ) from error
        except requests.RequestException as error:
            raise _unreachable(host) from error
        except OSError as error:
            raise ParameterError(f"--ca-cert {self.ca_cert}: {error}") from error
        if answer.status_code in (401, 403):
            raise _refused_login(host, f"{answer.status_code} {answer.reason}")
        if not answer.ok or "json" not in answer.headers.get("Content-Type", ""):
            raise ClusterError(
                f"{host} is not a Kubeflow Pipelines server, or requires a login "
                f"({answer.status_code}); check --host, --token and --cookies"
            )
        if answer.json().get("multi_user") and not self.namespace:
            raise ClusterError(f"{host} has several users; name your namespace by --namespace")


def _refused_login(where: str, answer: str) -> ClusterError:
    return ClusterError(
        f"{where} refuses: {answer}; give a token by --token, or the cookies of a session by "
        "--cookies"
    )


def _unreachable(where: str) -> UnreachableError:
    return UnreachableError(
        f"no Kubeflow answers at {where}; "
        "check --host and the connection; `stethoscope run`, `stethoscope sweep` and "
        "`same program run --local` need no cluster"
    )


def _refusal(where: str, error: Any) -> ClusterError:
    """Return the error for an answer that is not 200."""
    text = f"{where} refuses: {_message_of(error)}"
    if error.status in (401, 403):
        return _refused_login(where, _message_of(error))
    if error.status in (408, 429) or (error.status or 0) >= 500:
        return UnreachableError(text)
    return ClusterError(text)


def _message_of(error: Any) -> str:
    """Return the message in the server's answer, on one line."""
    try:
        body = json.loads(error.body)
        text = body.get("message") or body.get("error_message") or body.get("error") or error.body
    except (ValueError, TypeError, AttributeError):
        text = error.reason or error.body or ""
    return f"{error.status} {' '.join(str(text).split())[:500]}"
