"""The store is slow, or refuses every call, also where it is embedded and so never is by itself."""

from __future__ import annotations

from tests.faults.harness.members_trial import MembersTrial

SECONDS = 30.0
SLOWED_SECONDS = 0.15


def test_store_refuses_for_30_s_embedded(small: MembersTrial) -> None:
    small.members.join()
    with small.under_load():
        with small.store.refusing():
            small.breaks(lambda: small.stays_broken(SECONDS))
        small.settle()
    small.verify()


def test_store_slowed_by_150_ms_embedded(small: MembersTrial) -> None:
    small.members.join()
    with small.under_load():
        with small.store.slowed(SLOWED_SECONDS):
            small.breaks(lambda: small.stays_broken(SECONDS))
        small.settle()
    small.verify()
