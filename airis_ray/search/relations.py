"""Times that are said by another one: the same time of another day, as long before, before and after an hour."""

from __future__ import annotations

from datetime import date

from airis_ray.search import timewords as words
from airis_ray.search.instants import Instants
from airis_ray.search.periods import day_of, week_of

_HALVING = frozenset({"전후", "전후로", "앞뒤", "앞뒤로", "전", "이전"})


class Relations(Instants):
    """Reads ranges that depend on another one; every rule returns the place behind what it read, or None."""

    def _split(self, place: int) -> int | None:
        """``before and after 2pm``, ``오후 2시 전후``: the day of an hour in two."""
        divided = self._after_and_before(place)
        if divided is not None:
            return divided
        first = place
        english = self.word(place) == "before" and self.word(place + 1) in words.AND
        if english and self.word(place + 2) in ("after", "since"):
            first = self.skip(place + 3, "the")
        elif english:
            return None
        if not english and not any(unit.key in _HALVING for unit in self.units[place:]):
            return None
        found = self.end_at(first, bare=english)
        if found is None or not (found[0].clock or found[0].instant):
            return None
        end, after = found
        if not english:
            after = self._halves_after(after)
            if after < 0:
                return None
        self.split = (place, end)
        return self.use(place, self.particles(after))

    def _after_and_before(self, place: int) -> int | None:
        """``after 2pm compared to before``, ``오후 2시 이후를 그 전과``: the day of an hour in two."""
        english = self.word(place) in ("after", "since")
        found = self.end_at(place + english, bare=english) if self.compares else None
        if found is None or not (found[0].clock or found[0].instant):
            return None
        end, after = found
        if not english and self.word(after) not in ("이후", "후", "부터"):
            return None
        before = self._before_it(after)
        if before is None:
            return None
        self.split = (place, end)
        self.use(*before)
        return self.use(place, self.particles(after + (not english)))

    def _before_it(self, place: int) -> tuple[int, int] | None:
        """Where "before" or 그 전 stands without a time of its own."""
        for at in range(place, len(self.units)):
            korean = self.word(at) == "그" and self.word(at + 1) in ("전", "이전")
            after = self.particles(at + 1 + korean)
            timed = self.end_at(after, bare=True) or self.length(after, bare=True)
            if (korean or self.word(at) == "before") and not timed:
                return at, after
        return None

    def _halves_after(self, after: int) -> int:
        """The place behind 전후, 이전과 이후, 전 vs 후; -1 where none stands there."""
        after = self.skip(after, "기준", "기준으로", "를", "을")
        if self.word(after) in ("전후", "전후로", "앞뒤", "앞뒤로"):
            return after + 1
        if self.word(after) in ("전", "이전") and self.word(after + 1) in words.AND:
            following = self.skip(after + 2, "그")
            if self.word(following) in ("후", "이후", "후로", "이후로"):
                return following + 1
        return -1

    def _same(self, place: int) -> int | None:
        """``어제 같은 시간``, ``the same time last week``: the other range, so many days before."""
        period = self.calendar(place)
        if period is not None:
            after = self.skip(period[1], "at", "the", "의", "도", "에")
            same = self._same_time(after)
            return None if same is None else self._shifted(place, period[0].first, same)
        start = self.skip(place, "the", "at", "during")
        same = self._same_time(start)
        period = self.calendar(self.skip(same, "on", "of", "in", "from")) if same is not None else None
        return self._shifted(place, period[0].first, period[1]) if period else None

    def _same_time(self, place: int) -> int | None:
        """The place behind 같은 시간, 동시간대, the same hour."""
        if self.word(place) in words.SAME_TIME:
            return place + 1
        if self.word(place) in words.SAME and self.word(place + 1) in words.SAME_WHAT:
            return place + 2
        return None

    def _shifted(self, place: int, day: date, after: int) -> int:
        today = self.now.date()
        whole = (self.calendar(place) or self.calendar(after - 2) or (day_of(day), 0))[0]
        first = today if whole.day else week_of(today, 0).first
        named = whole.day and self.word(place) not in words.DAY_BEFORE
        self.shift = (place, (first - day).days, day if named else None)
        return self.use(place, self.particles(after))

    def _before_that(self, place: int) -> int | None:
        """``그 전 1시간``, ``the hour before``: as long a time before the range that was said first."""
        if not self.compares:
            return None
        korean = self.word(place) in ("그", "바로") and self.word(place + 1) in ("전", "이전", "직전")
        if korean or (
            self.word(place) in ("직전", "이전", "previous", "preceding", "prior", "before")
            and self.times.ranges
        ):
            length = self.length(place + 1 + korean, bare=True)
            if length is not None:
                self.preceding = (place, length[0])
                return self.use(place, self.particles(length[1]))
            if korean and self.times.ranges:  # as long as what it is before
                self.preceding = (place, None)
                return self.use(place, self.particles(place + 2))
        length = self.length(self.skip(place, "the"), bare=True) if self.word(place) == "the" else None
        if length is not None and self.word(length[1]) in ("before", "earlier", "prior"):
            self.preceding = (place, length[0])
            return self.use(place, self.skip(length[1] + 1, "that", "it"))
        return None

    def tail(self, after: int) -> int:
        """Past the particles and little words that belong to a time."""
        while after < len(self.units):
            unit = self.unit(after)
            word = unit.key
            if (
                word in words.SPAN_WORDS
                or (
                    word in words.WHOLE
                    and unit.piece == "hangul"
                    and self.word(after + 1) not in words.STEP_AFTER
                    and not (word == "전체" and self.unit(after + 1).has("signal"))  # 현재 전체 서비스
                )
                or (word in words.ABOUT and unit.piece == "hangul")
                or (unit.particle and unit.glued and word not in ("보다", "와", "과", "랑", "이랑"))
                or word in ("기준", "기준으로", "이후로")
            ):
                after += 1
            else:
                return after
        return after

    def particles(self, after: int) -> int:
        while after < len(self.units) and self.unit(after).particle and self.unit(after).glued:
            after += 1
        return after

    def use(self, first: int, end: int) -> int:
        self.used.update(range(first, end))
        return end
