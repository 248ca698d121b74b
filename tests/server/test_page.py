from collections.abc import Callable

from starlette.testclient import TestClient

Client = Callable[..., TestClient]


def test_the_page_and_its_assets_are_local(client: Client) -> None:
    api = client()
    page = api.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    for part, type_ in (("index.js", "javascript"), ("index.css", "text/css")):
        assert f"/assets/{part}" in page.text
        answer = api.get(f"/assets/{part}")
        assert answer.status_code == 200
        assert type_ in answer.headers["content-type"]
    # The policy of the page refuses what is not from here, and scripts within the page.
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert "<script>" not in page.text


def test_the_page_needs_the_token(client: Client) -> None:
    assert client(token="secret").get("/").status_code == 401
