//! One byte string per audit entry.
//!
//! A hash is only worth something if everybody derives the same bytes from the
//! same entry. The form is RFC 8785 (JCS) restricted further: no floats at all
//! and no integer that a double cannot hold, because those are the two places
//! where JSON tools disagree. Money and identifiers are strings.

use serde_json::{Map, Value};

/// The largest magnitude of an integer that every JSON tool keeps exactly.
const SAFE_INTEGER: u64 = (1 << 53) - 1;
/// Deeper nesting than any honest entry has; keeps the recursion bounded.
const MAX_DEPTH: usize = 64;

/// Why a value has no canonical bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CanonicalError {
    /// A number that is not an integer; amounts belong in strings.
    #[error("audit entries hold no fractional numbers: {0}")]
    Float(String),
    /// An integer beyond ±(2^53−1), which some readers would round.
    #[error("integer {0} is beyond 2^53-1; write it as a string")]
    IntegerTooLarge(String),
    /// Nested deeper than 64 levels.
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
}

/// The canonical bytes of `value`: keys sorted by UTF-16 code units, no white
/// space, shortest escapes, UTF-8 as given (no Unicode normalisation).
pub fn canonical(value: &Value) -> Result<Vec<u8>, CanonicalError> {
    let mut out = Vec::with_capacity(512);
    write_value(value, &mut out, 0)?;
    Ok(out)
}

/// Whether `bytes` are exactly the canonical form of one JSON object. Catches
/// duplicate keys too, since re-writing drops them.
#[must_use]
pub fn is_canonical(bytes: &[u8]) -> bool {
    match serde_json::from_slice::<Value>(bytes) {
        Ok(value @ Value::Object(_)) => canonical(&value).is_ok_and(|again| again == bytes),
        _ => false,
    }
}

fn write_value(value: &Value, out: &mut Vec<u8>, depth: usize) -> Result<(), CanonicalError> {
    if depth > MAX_DEPTH {
        return Err(CanonicalError::TooDeep);
    }
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => write_integer(number, out)?,
        Value::String(text) => write_string(text, out),
        Value::Array(items) => {
            out.push(b'[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write_value(item, out, depth + 1)?;
            }
            out.push(b']');
        }
        Value::Object(map) => write_object(map, out, depth)?,
    }
    Ok(())
}

fn write_object(
    map: &Map<String, Value>,
    out: &mut Vec<u8>,
    depth: usize,
) -> Result<(), CanonicalError> {
    let mut members: Vec<(&String, &Value)> = map.iter().collect();
    members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
    out.push(b'{');
    for (i, (key, value)) in members.into_iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        write_string(key, out);
        out.push(b':');
        write_value(value, out, depth + 1)?;
    }
    out.push(b'}');
    Ok(())
}

fn write_integer(number: &serde_json::Number, out: &mut Vec<u8>) -> Result<(), CanonicalError> {
    let magnitude = match (number.as_i64(), number.as_u64()) {
        (Some(signed), _) => signed.unsigned_abs(),
        (None, Some(unsigned)) => unsigned,
        (None, None) => return Err(CanonicalError::Float(number.to_string())),
    };
    if magnitude > SAFE_INTEGER {
        return Err(CanonicalError::IntegerTooLarge(number.to_string()));
    }
    out.extend_from_slice(number.to_string().as_bytes());
    Ok(())
}

fn write_string(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    for &byte in text.as_bytes() {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x09 => out.extend_from_slice(b"\\t"),
            0x0a => out.extend_from_slice(b"\\n"),
            0x0c => out.extend_from_slice(b"\\f"),
            0x0d => out.extend_from_slice(b"\\r"),
            0x00..=0x1f => {
                let (high, low) = (usize::from(byte >> 4), usize::from(byte & 15));
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', HEX[high], HEX[low]]);
            }
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn text(value: &Value) -> String {
        String::from_utf8(canonical(value).unwrap()).unwrap()
    }

    #[test]
    fn keys_are_sorted_and_nothing_is_padded() {
        let value = json!({"b": [1, null, true], "a": {"z": "ü", "y": -5}});
        assert_eq!(text(&value), r#"{"a":{"y":-5,"z":"ü"},"b":[1,null,true]}"#);
    }

    #[test]
    fn keys_sort_by_utf16_units_as_jcs_asks() {
        // U+1F600 starts with the surrogate D83D, which sorts before U+FB33
        // although its UTF-8 bytes sort after.
        let value = json!({"\u{fb33}": 1, "\u{1f600}": 2, "\u{20ac}": 3, "\r": 4, "1": 5});
        assert_eq!(
            text(&value),
            "{\"\\r\":4,\"1\":5,\"\u{20ac}\":3,\"\u{1f600}\":2,\"\u{fb33}\":1}"
        );
    }

    #[test]
    fn escapes_are_the_shortest_ones() {
        assert_eq!(
            text(&json!("\u{0}\u{8}\t\n\u{c}\r\u{1f}\"\\/\u{7f}")),
            "\"\\u0000\\b\\t\\n\\f\\r\\u001f\\\"\\\\/\u{7f}\""
        );
    }

    #[test]
    fn floats_are_refused_even_when_whole() {
        for number in ["1.0", "0.1", "1e3", "-0.0", "1e400"] {
            let parsed: Result<Value, _> = serde_json::from_str(number);
            // 1e400 does not even parse, which is just as well.
            if let Ok(value) = parsed {
                assert!(
                    matches!(canonical(&value), Err(CanonicalError::Float(_))),
                    "{number}"
                );
            }
        }
    }

    #[test]
    fn integers_are_refused_just_beyond_the_safe_range() {
        assert_eq!(text(&json!(9_007_199_254_740_991_i64)), "9007199254740991");
        assert_eq!(
            text(&json!(-9_007_199_254_740_991_i64)),
            "-9007199254740991"
        );
        for value in [
            json!(9_007_199_254_740_992_i64),
            json!(-9_007_199_254_740_992_i64),
            json!(i64::MIN),
            json!(u64::MAX),
        ] {
            assert!(matches!(
                canonical(&value),
                Err(CanonicalError::IntegerTooLarge(_))
            ));
        }
    }

    #[test]
    fn depth_is_bounded() {
        let mut value = json!(1);
        for _ in 0..MAX_DEPTH {
            value = json!([value]);
        }
        assert!(canonical(&value).is_ok());
        assert_eq!(canonical(&json!([value])), Err(CanonicalError::TooDeep));
    }

    #[test]
    fn only_the_exact_bytes_of_an_object_count_as_canonical() {
        assert!(is_canonical(br#"{"a":1,"b":"x"}"#));
        for bad in [
            &br#"{"b":"x","a":1}"#[..],
            br#"{"a":1, "b":"x"}"#,
            br#"{"a":1,"a":1}"#,
            br#"{"a":"\u0041"}"#,
            br#"{"a":1}
"#,
            br#"[1]"#,
            br#"{"a":1.5}"#,
            b"{\"a\":\"\xff\"}",
        ] {
            assert!(!is_canonical(bad), "{}", String::from_utf8_lossy(bad));
        }
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-1_000_000_i64..1_000_000).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::vec((any::<String>(), inner), 0..5)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn reading_back_gives_the_same_value_and_the_same_bytes(value in any_value()) {
            let bytes = canonical(&value).unwrap();
            let again: Value = serde_json::from_slice(&bytes).unwrap();
            prop_assert_eq!(canonical(&again).unwrap(), bytes);
            prop_assert_eq!(again, value);
        }
    }
}
