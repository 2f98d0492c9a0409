import json

import pytest

from stethoscope.serve.limits import RefusalError
from stethoscope.serve.responses import json_response, refusal_response


def test_json_keeps_characters_and_refuses_nan() -> None:
    response = json_response({"Message": "Lüfter"})
    assert bytes(response.body).decode() == '{"Message": "Lüfter"}'
    assert response.media_type == "application/json"
    with pytest.raises(ValueError, match="JSON"):
        json_response({"Score": float("nan")})


@pytest.mark.parametrize(
    ("status", "header", "value"),
    [(401, "www-authenticate", "Bearer"), (429, "retry-after", "1"), (503, "retry-after", "5")],
)
def test_refusal_has_status_reason_and_the_header_of_the_status(
    status: int, header: str, value: str
) -> None:
    response = refusal_response(RefusalError(status, "queue_full", "try again"))
    body = json.loads(bytes(response.body))
    assert (response.status_code, response.headers[header]) == (status, value)
    assert (body["Error"], body["Reason"]) == ("try again", "queue_full")
