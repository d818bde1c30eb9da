//! How a person proves who they are, as far as that needs no clock, no randomness and no network:
//! one-time codes (RFC 6238) and the delay after wrong guesses.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// Seconds for which a code is current.
pub const TOTP_STEP_S: i64 = 30;

/// The code of a 30-second step: RFC 6238 with HMAC-SHA-1 and six digits, which every app knows.
#[must_use]
pub fn totp(secret: &[u8], step: u64) -> Option<String> {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret).ok()?;
    mac.update(&step.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let at = usize::from(digest.last()? & 15);
    let four: [u8; 4] = digest.get(at..at + 4)?.try_into().ok()?;
    Some(format!(
        "{:06}",
        (u32::from_be_bytes(four) & 0x7fff_ffff) % 1_000_000
    ))
}

/// The step whose code this is: now, or one step to either side, and later than the last one used,
/// so that a code that was looked over a shoulder is spent.
#[must_use]
pub fn totp_step(secret: &[u8], code: &str, unix_s: i64, last: u64) -> Option<u64> {
    use subtle::ConstantTimeEq as _;
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let now = u64::try_from(unix_s / TOTP_STEP_S).ok()?;
    (now.saturating_sub(1)..=now + 1)
        .filter(|step| *step > last)
        .find(|step| {
            totp(secret, *step).is_some_and(|c| c.as_bytes().ct_eq(code.as_bytes()).into())
        })
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Bytes in base 32 (RFC 4648) without padding, as apps take them.
#[must_use]
pub fn base32(bytes: &[u8]) -> String {
    let mut out = String::new();
    let (mut buffer, mut bits) = (0_u32, 0);
    for byte in bytes {
        buffer = (buffer << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.push(char::from(BASE32[(buffer >> bits) as usize & 31]));
        }
    }
    if bits > 0 {
        out.push(char::from(BASE32[(buffer << (5 - bits)) as usize & 31]));
    }
    out
}

/// Wrong guesses that cost nothing but the guess.
pub const FREE_FAILURES: u32 = 5;
/// The longest delay, in seconds.
pub const DELAY_MOST_S: u64 = 900;

/// How long nobody gets another guess after so many wrong ones in a row: nothing for the first
/// five, then 30 s, doubled each time, up to a quarter of an hour.
#[must_use]
pub fn delay_s(failures: u32, free: u32) -> u64 {
    match failures.checked_sub(free) {
        None => 0,
        Some(over) => (30_u64 << over.min(8)).min(DELAY_MOST_S),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    /// RFC 6238 appendix B, the SHA-1 rows; the last six of its eight digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        let secret = b"12345678901234567890";
        for (time, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
        ] {
            assert_eq!(totp(secret, time / 30).unwrap(), code, "{time}");
        }
    }

    #[test]
    fn a_code_works_once_and_only_near_its_time() {
        let secret = b"12345678901234567890";
        let code = totp(secret, 100).unwrap();
        assert_eq!(totp_step(secret, &code, 100 * 30, 0), Some(100));
        assert_eq!(totp_step(secret, &code, 101 * 30, 0), Some(100));
        assert_eq!(totp_step(secret, &code, 103 * 30, 0), None, "too old");
        assert_eq!(totp_step(secret, &code, 100 * 30, 100), None, "spent");
        assert_eq!(totp_step(secret, "000000", 100 * 30, 0), None);
        assert_eq!(totp_step(secret, "", 100 * 30, 0), None);
    }

    #[test]
    fn base32_is_that_of_the_standard() {
        assert_eq!(base32(b"foobar"), "MZXW6YTBOI");
        assert_eq!(base32(b"f"), "MY");
    }

    #[test]
    fn delays_grow_and_stop_growing() {
        let delays: Vec<u64> = (0..13).map(|n| delay_s(n, FREE_FAILURES)).collect();
        assert_eq!(delays[..5], [0; 5]);
        assert_eq!(delays[5..10], [30, 60, 120, 240, 480]);
        assert_eq!(delays[10..], [900; 3]);
        assert_eq!(delay_s(u32::MAX, 5), 900);
    }
}
