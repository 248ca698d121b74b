"""The contract against the server: whatever it allows is answered, what it forbids is refused."""

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

schemathesis = pytest.importorskip("schemathesis")
# A stream that lasts as long as a run of the indexer.
LEFT_OUT = {"/api/index/events"}


def test_the_contract_is_kept(address: str) -> None:
    contract = schemathesis.openapi.from_url(f"{address}/api/openapi.json")
    broken: list[str] = []
    asked = 0
    for found in contract.get_all_operations():
        operation = found.ok()
        if operation.path in LEFT_OUT:
            continue

        @given(case=operation.as_strategy())
        @settings(
            max_examples=15,
            deadline=None,
            derandomize=True,
            database=None,
            phases=(Phase.explicit, Phase.generate),
            suppress_health_check=list(HealthCheck),
        )
        def keeps_to_it(case: Any) -> None:  # noqa: ANN401 - schemathesis has its own types
            nonlocal asked
            asked += 1
            # That a query is well formed does not mean that it can be answered.
            excluded = [schemathesis.checks.positive_data_acceptance]
            case.validate_response(case.call(), excluded_checks=excluded)

        try:
            keeps_to_it()
        except BaseException as error:  # noqa: BLE001 - all of them are shown at once
            broken.append(f"{operation.label}: {error!r} {getattr(error, 'exceptions', '')}")
    assert not broken, "\n".join(broken)
    assert asked > 300
