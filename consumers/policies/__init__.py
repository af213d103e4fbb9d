"""How many records the next batch may hold: pure functions of the present limit and what was observed."""

from consumers.policies.aimd import aimd
from consumers.policies.deadline import deadline
from consumers.policies.gradient import gradient
from consumers.policies.observations import (
    FAST_SECONDS,
    MAX_LIMIT,
    MIN_LIMIT,
    SLOW_SECONDS,
    Observations,
    Policy,
    Sample,
)
from consumers.policies.seed import seed, seed_plus_one

POLICIES: dict[str, Policy] = {
    "seed": seed,
    "seed+1": seed_plus_one,
    "aimd": aimd,
    "gradient": gradient,
    "deadline": deadline,
}
"""By the name that ``FRESHET_CONSUMER_POLICY`` takes."""

__all__ = [
    "FAST_SECONDS",
    "MAX_LIMIT",
    "MIN_LIMIT",
    "POLICIES",
    "SLOW_SECONDS",
    "Observations",
    "Policy",
    "Sample",
    "aimd",
    "deadline",
    "gradient",
    "seed",
    "seed_plus_one",
]
