//! Retries: a limited number of attempts, with a pause before each one after the first.

use std::time::Duration;

use tokio::time::sleep;

/// The first pause; each later one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Counts attempts.
#[derive(Debug)]
pub(crate) struct Tries {
    most: u32,
    failed: u32,
}

impl Tries {
    /// At most `most` attempts, including the first.
    pub(crate) fn new(most: u32) -> Tries {
        Tries { most, failed: 0 }
    }

    /// An attempt failed: pauses before the next one, if there is one.
    pub(crate) async fn again(&mut self) -> bool {
        let Some(pause) = self.fail() else { return false };
        sleep(pause).await;
        true
    }

    /// An attempt failed: how long to pause before the next one; `None`: there is none.
    fn fail(&mut self) -> Option<Duration> {
        self.failed += 1;
        (self.failed < self.most).then(|| pause(self.failed))
    }
}

/// How long to pause after this many failures in a row.
pub(crate) fn pause(failed: u32) -> Duration {
    let doubled = 2_u32.saturating_pow(failed.saturating_sub(1));
    FIRST_PAUSE.saturating_mul(doubled).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_so_many_tries_and_the_pauses_between_them_grow() {
        let mut tries = Tries::new(3);
        assert_eq!([tries.fail(), tries.fail(), tries.fail()], [Some(FIRST_PAUSE), Some(FIRST_PAUSE * 2), None]);
        assert_eq!(Tries::new(1).fail(), None);
        assert_eq!(pause(u32::MAX), LONGEST_PAUSE);
    }
}
