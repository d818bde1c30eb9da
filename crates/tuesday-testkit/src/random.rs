//! Random numbers from a seed that the test prints, so that a failure can be played again.

/// A small generator (SplitMix64); good enough to choose moments, not for anything secret.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Starts from the seed in the environment variable `name`, or from a new one; says which.
    #[must_use]
    pub fn seeded(name: &str) -> Self {
        let given = std::env::var(name)
            .ok()
            .map(|s| s.parse().expect("the seed is a number"));
        let seed = given.unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0);
        println!("{name}={seed} plays this test again");
        Self(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which must not be 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.number() % end
    }
}
