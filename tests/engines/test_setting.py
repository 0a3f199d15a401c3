"""What stands at the start of a run."""

import pytest

from refmodel.engines.setting import COMPRESSORS, TOKENS, Setting, settings
from refmodel.profiles import PROFILES, Profile, profile


@pytest.mark.parametrize("which", PROFILES.values(), ids=PROFILES)
def test_every_setting_of_a_check_makes_a_system(which: Profile) -> None:
    for setting in settings(which):
        v = setting.system(which, "toy")
        assert v[v.at.zswap].enabled == setting.enabled
        assert v[v.at.si].synchronous == setting.synchronous


def test_each_compressor_comes_on_its_own() -> None:
    plain = [setting for setting in settings(profile("linux-7.3")) if setting.text in COMPRESSORS]

    assert [setting.compressor for setting in plain] == list(COMPRESSORS)


def test_a_check_can_be_limited_to_some_compressors() -> None:
    assert {setting.compressor for setting in settings(profile("linux-6.1"), ("lz4",))} == {"lz4"}


def test_allocators_and_virtual_swap_have_settings_of_their_own() -> None:
    assert "tokens, zbud" in [setting.text for setting in settings(profile("linux-6.12"))]
    assert "tokens, no device" in [setting.text for setting in settings(profile("vswap-v6"))]


def test_a_setting_is_told_in_a_few_words() -> None:
    assert Setting().text == "zstd"
    assert Setting(TOKENS, "zbud", True, False).text == "tokens, zbud, synchronous device, not set up"


def test_an_unknown_compressor_is_refused() -> None:
    with pytest.raises(ValueError, match="compressor 'lz5': expected one of zstd"):
        Setting("lz5").system(profile("linux-7.3"), "toy")
