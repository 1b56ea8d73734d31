//! Splits an upload's time into the part that S3 takes to answer, which more concurrent uploads do not prolong, and the part
//! that the link takes, which they do. One amount under way cannot separate the two; two amounts can: the common part is S3's.

/// How much two amounts under way must differ to be comparable, as a part of the larger one.
const TELLING: f64 = 0.25;

/// A round that took this many times its limit, without another amount to compare it with, is followed by a test round.
const TOO_LONG: f64 = 1.1;

/// How much more is under way in the test round: enough to compare, and so little that a renewal of the lease waits not much
/// longer behind it if all of that time is the link's.
const TELLS: f64 = 1.4;

/// How far the limit may exceed the amount that was tried, so that a mistake costs little.
const STEP: f64 = 2.0;

/// Measurements of uploads in rounds. In one round as many bytes arrive as were under way on average, so it lasts as
/// long as an upload did.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Thinking {
    round: Round,
    last: Option<Round>,
    /// The last round with another amount under way, for comparison.
    other: Option<Round>,
    /// Seconds that S3 takes for an answer.
    seconds: f64,
    /// Whether the last round was not comparable, because as much was under way as in the other one.
    is_unclear: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Round {
    seconds: f64,
    /// Bytes under way, each multiplied by its seconds.
    byte_seconds: f64,
    /// Bytes that arrived.
    arrived: f64,
}

impl Round {
    /// Bytes under way on average.
    fn under_way(&self) -> f64 {
        self.byte_seconds / self.seconds
    }

    /// How many seconds a byte was under way on average: in a steady state, the amount under way is this
    /// time multiplied by the rate (Little's law).
    fn took(&self) -> f64 {
        self.byte_seconds / self.arrived
    }

    fn is_over(&self) -> bool {
        self.seconds > 0.0 && self.arrived >= self.under_way()
    }
}

impl Thinking {
    /// `under_way` bytes were under way for this many more `seconds`. Idle time is not measured.
    pub(super) fn pass(&mut self, under_way: u64, seconds: f64) {
        if under_way == 0 {
            return;
        }
        self.round.seconds += seconds;
        self.round.byte_seconds += under_way as f64 * seconds;
    }

    /// This many `bytes` arrived.
    pub(super) fn count(&mut self, bytes: u64) {
        self.round.arrived += bytes as f64;
        if self.round.is_over() {
            let over = std::mem::take(&mut self.round);
            self.last = Some(over);
            self.compare(over);
        }
    }

    fn compare(&mut self, round: Round) {
        let Some(other) = self.other else {
            self.other = Some(round);
            return;
        };
        let more = round.under_way() - other.under_way();
        self.is_unclear = more.abs() < TELLING * round.under_way().max(other.under_way());
        if self.is_unclear {
            return;
        }
        // The cost of one more byte: zero if more bytes were faster.
        let each = ((round.took() - other.took()) / more).max(0.0);
        self.seconds = (round.took() - each * round.under_way()).max(0.0);
        self.other = Some(round);
    }

    /// Most bytes under way that the link carries within `ahead` seconds each, besides S3's time; 0 if there
    /// are none.
    pub(super) fn most(&self, ahead: f64) -> f64 {
        let Some(last) = self.last else { return 0.0 };
        let tried = STEP * last.under_way();
        let of_the_link = last.took() - self.seconds;
        if of_the_link <= 0.0 {
            return tried;
        }
        if self.is_unclear && of_the_link > TOO_LONG * (ahead + self.seconds) {
            return TELLS * last.under_way();
        }
        if self.seconds == 0.0 {
            return 0.0;
        }
        tried.min(last.under_way() / of_the_link * (ahead + self.seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A link with this rate in bytes a second, to a service that takes this many seconds to answer.
    struct World {
        link: f64,
        thinks: f64,
    }

    /// Seconds of the link that may be under way.
    const AHEAD: f64 = 5.0;

    impl World {
        /// What is allowed under way after this many rounds from `first` on, by the uplink's rule.
        fn settles(&self, seen: &mut Thinking, first: f64, rounds: usize) -> f64 {
            (0..rounds).fold(first, |under_way, _| {
                let took = self.thinks + under_way / self.link;
                seen.pass(under_way as u64, took);
                seen.count(under_way as u64);
                seen.most(AHEAD).max(under_way / took * AHEAD).max(64e3)
            })
        }

        fn right(&self) -> f64 {
            self.link * (AHEAD + self.thinks)
        }
    }

    #[test]
    fn whatever_the_link_and_the_thinking_the_link_is_full_and_nobody_waits_longer() {
        for link in [16e3, 125e3, 1e6, 100e6] {
            for thinks in [0.05, 1.0, 4.9, 5.1, 6.0, 20.0, 100.0] {
                let world = World { link, thinks };
                let settled = world.settles(&mut Thinking::default(), 240e3, 40);
                let least = world.right() * if thinks > AHEAD { 0.7 } else { AHEAD / (AHEAD + thinks) * 0.7 };
                assert!(settled >= least, "{link} {thinks}: {settled} of {}", world.right());
                assert!(settled <= world.right().max(64e3) * 1.05, "{link} {thinks}: {settled} of {}", world.right());
            }
        }
    }

    #[test]
    fn a_link_or_a_store_that_changes_is_seen() {
        for (link, thinks) in [(1e6, 0.05), (1e6, 6.0), (50e3, 6.0), (16e3, 0.05), (100e6, 20.0), (1e6, 0.05)] {
            let mut seen = Thinking::default();
            for (was, thought) in [(1e6, 0.05), (1e6, 6.0), (16e3, 0.05), (20e6, 30.0)] {
                let before = World { link: was, thinks: thought }.settles(&mut seen, 240e3, 30);
                let now = World { link, thinks };
                let settled = now.settles(&mut seen, before, 60);
                let right = now.right().max(64e3);
                assert!(
                    (right * 0.35..=right * 1.3).contains(&settled),
                    "{was} {thought}, {link} {thinks}: {settled} of {right}"
                );
            }
        }
    }

    /// Where uploads are large, 8 seconds of the link are under way although 5 are allowed.
    #[test]
    fn what_is_tried_to_tell_the_two_apart_is_little_more() {
        let mut seen = Thinking::default();
        for _ in 0..2 {
            seen.pass(8_000, 8.0);
            seen.count(8_000);
        }
        assert_eq!((seen.is_unclear, seen.most(AHEAD) as u64), (true, 11_200));
    }

    #[test]
    fn nothing_is_known_of_one_amount() {
        let mut seen = Thinking::default();
        seen.pass(1_000, 3.0);
        seen.count(999);
        assert!(seen.last.is_none(), "the round goes on");
        seen.count(1);
        assert_eq!(seen.most(AHEAD), 0.0);
    }
}
