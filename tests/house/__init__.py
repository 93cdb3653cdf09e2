"""Whole processes: the daemon, the console and the bench as a person runs them."""

import pytest

pytest.register_assert_rewrite("tests.house.traffic")
