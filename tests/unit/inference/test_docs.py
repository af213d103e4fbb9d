from __future__ import annotations

import re

from tests.unit.inference.conftest import Served


def test_the_page_of_the_api_loads_nothing_from_elsewhere(served: Served) -> None:
    page = served.client.get("/docs")
    assert page.status_code == 200
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert loaded
    for address in loaded:
        assert address.startswith(str(served.client.base_url))
        assert served.client.get(address).status_code == 200
