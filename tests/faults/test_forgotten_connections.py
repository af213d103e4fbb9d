"""A firewall forgets the connections to the broker: nothing passes on them and nobody is told. New ones work."""

from __future__ import annotations

from freshet.settings import KafkaSettings
from tests.faults.harness.forgetful_proxy import ForgetfulProxy
from tests.faults.harness.members_trial import MembersTrial

SECONDS = 20.0
DETECTED_SECONDS = 15.0
"""The request timeout of 10 s, and the way back."""


def test_forgotten_connections_of_consumer_embedded(small: MembersTrial, forgetful: ForgetfulProxy) -> None:
    small.members.join(_through(forgetful))
    with small.under_load():
        _forget(small, forgetful)
    _verify(small, forgetful)


def test_forgotten_connections_of_producer_embedded(small: MembersTrial, forgetful: ForgetfulProxy) -> None:
    small.members.join()
    with small.under_load(_through(forgetful)):
        _forget(small, forgetful)
    _verify(small, forgetful)


def _forget(small: MembersTrial, proxy: ForgetfulProxy) -> None:
    small.breaks(proxy.forget)
    small.stays_broken(SECONDS)
    small.settle()


def _verify(small: MembersTrial, proxy: ForgetfulProxy) -> None:
    gap = small.verify().gap
    assert gap is not None
    assert gap < DETECTED_SECONDS
    assert proxy.forgotten


def _through(proxy: ForgetfulProxy) -> KafkaSettings:
    return KafkaSettings(bootstrap=f"127.0.0.1:{proxy.port}")
