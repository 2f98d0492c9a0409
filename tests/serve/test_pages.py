import re

import requests


def test_root_answers_text_to_programs_and_the_page_to_browsers(service: str) -> None:
    assert requests.get(service, timeout=5).text == "server is up"
    page = requests.get(service, headers={"accept": "text/html,*/*;q=0.8"}, timeout=5)
    assert page.headers["content-type"].startswith("text/html")
    assert requests.head(service, timeout=5).status_code == 200


def test_pages_load_nothing_from_other_sites(service: str) -> None:
    for path in (
        "/",
        "/docs",
        "/page/page.js",
        "/page/page.css",
        "/page/docs.js",
        "/page/icon.svg",
    ):
        answer = requests.get(service + path, headers={"accept": "text/html"}, timeout=5)
        assert answer.status_code == 200
        addresses = set(re.findall(r"https?://[^\s\"'<>)]+", answer.text))
        assert addresses <= {"http://www.w3.org/2000/svg"}, path
