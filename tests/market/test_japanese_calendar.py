"""Japan's holidays as its Cabinet Office lists them, and the days on which its firms settle."""

import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_muzero.errors import DataError
from mlx_muzero.market.japanese_calendar import (
    GOTOBI,
    bank_holidays,
    business_days,
    gotobi_days,
)

LISTED = """
2015 0101 0112 0211 0321 0429 0503 0504 0505 0506 0720 0921 0922 0923 1012 1103 1123 1223
2016 0101 0111 0211 0320 0321 0429 0503 0504 0505 0718 0811 0919 0922 1010 1103 1123 1223
2017 0101 0102 0109 0211 0320 0429 0503 0504 0505 0717 0811 0918 0923 1009 1103 1123 1223
2018 0101 0108 0211 0212 0321 0429 0430 0503 0504 0505 0716 0811 0917 0923 0924 1008 1103 1123 \
1223 1224
2019 0101 0114 0211 0321 0429 0430 0501 0502 0503 0504 0505 0506 0715 0811 0812 0916 0923 1014 \
1022 1103 1104 1123
2020 0101 0113 0211 0223 0224 0320 0429 0503 0504 0505 0506 0723 0724 0810 0921 0922 1103 1123
2021 0101 0111 0211 0223 0320 0429 0503 0504 0505 0722 0723 0808 0809 0920 0923 1103 1123
2022 0101 0110 0211 0223 0321 0429 0503 0504 0505 0718 0811 0919 0923 1010 1103 1123
2023 0101 0102 0109 0211 0223 0321 0429 0503 0504 0505 0717 0811 0918 0923 1009 1103 1123
2024 0101 0108 0211 0212 0223 0320 0429 0503 0504 0505 0506 0715 0811 0812 0916 0922 0923 1014 \
1103 1104 1123
2025 0101 0113 0211 0223 0224 0320 0429 0503 0504 0505 0506 0721 0811 0915 0923 1013 1103 1123 \
1124
2026 0101 0112 0211 0223 0320 0429 0503 0504 0505 0506 0720 0811 0921 0922 0923 1012 1103 1123
"""
"""The holidays of each year, month and day."""

BANKS_CLOSE = ("0102", "0103", "1231")


def days(*dates):
    return np.array(dates, "M8[D]").astype(np.int64)


@pytest.mark.parametrize("line", LISTED.strip().splitlines())
def test_the_holidays_of_a_year(line):
    year, *listed = line.split()
    found = [str(day)[5:].replace("-", "") for day in bank_holidays(int(year), int(year))]
    assert found == sorted({*listed, *BANKS_CLOSE})


def test_a_settlement_day_is_the_business_day_before_where_banks_are_closed():
    # 5 May 2018 was a Saturday after two holidays, 10 June 2018 a Sunday; 30 April a holiday.
    moved = days("2018-05-02", "2018-06-08", "2018-04-27")
    assert gotobi_days(moved).all()
    assert not gotobi_days(days("2018-05-05", "2018-06-10", "2018-04-30", "2018-05-03")).any()
    assert not gotobi_days(days("2018-06-07", "2018-06-11")).any()


def test_february_settles_on_its_last_day():
    assert gotobi_days(days("2018-02-28", "2020-02-28")).all()
    assert not gotobi_days(days("2018-02-27", "2018-03-01")).any()


def test_the_end_of_a_year_settles_before_banks_close():
    assert gotobi_days(days("2019-12-30", "2018-12-28"))[0]
    assert not business_days(days("2019-12-31", "2020-01-01", "2020-01-02", "2020-01-03")).any()
    assert business_days(days("2019-12-30", "2020-01-06")).all()


@pytest.mark.slow
@given(first=st.dates(datetime.date(1990, 2, 1), datetime.date(2090, 1, 1)))
def test_what_a_day_is_does_not_depend_on_the_days_asked_beside_it(first):
    start = np.datetime64(first).astype(np.int64)
    many = start + np.arange(400)
    alone = np.array([gotobi_days(many[i : i + 1])[0] for i in range(0, 400, 13)])
    assert (gotobi_days(many)[::13] == alone).all()
    month = (many.astype("M8[D]") - many.astype("M8[D]").astype("M8[M]")).astype(int) + 1
    open_ = business_days(many)
    on_their_day = open_ & np.isin(month, GOTOBI)
    assert gotobi_days(many)[on_their_day].all()
    assert open_[gotobi_days(many)].all()


def test_years_beyond_the_law_are_refused_with_a_way_on():
    with pytest.raises(DataError, match=r"1990 to 2099.*market\.first_utc"):
        business_days(days("1989-12-31"))
    with pytest.raises(DataError, match="1990 to 2099"):
        gotobi_days(days("2100-01-01"))
    assert not len(gotobi_days(days()))
    assert not len(business_days(days()))
