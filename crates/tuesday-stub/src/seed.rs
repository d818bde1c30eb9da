//! Reads a seed: records by `"system/collection"`, with times given relative to now.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use crate::clock;
use crate::fault::StubError;

/// One collection of a seed.
pub(crate) struct Seeded {
    pub(crate) system: String,
    pub(crate) collection: String,
    pub(crate) records: Vec<Map<String, Value>>,
}

/// Takes a seed apart; `"@-3h"` in any text value becomes the RFC 3339 time three hours before `now`.
pub(crate) fn read(seed: &Value, now: Timestamp) -> Result<Vec<Seeded>, StubError> {
    let collections = seed
        .as_object()
        .ok_or_else(|| StubError::Seed("not a JSON object".to_owned()))?;
    let mut seeded = Vec::with_capacity(collections.len());
    for (name, records) in collections {
        let parts = name
            .split_once('/')
            .filter(|(s, c)| is_name(s) && is_name(c));
        let (Some((system, collection)), Some(list)) = (parts, records.as_array()) else {
            return Err(StubError::Seed(format!(
                "\"{name}\" is not of the form \"system/collection\": [records]"
            )));
        };
        let records = list
            .iter()
            .enumerate()
            .map(|(at, record)| {
                let place = format!("{name}[{at}]");
                match dated(record, now, &place)? {
                    Value::Object(map) => Ok(map),
                    _ => Err(StubError::Seed(format!("{place} is not an object"))),
                }
            })
            .collect::<Result<_, _>>()?;
        seeded.push(Seeded {
            system: system.to_owned(),
            collection: collection.to_owned(),
            records,
        });
    }
    Ok(seeded)
}

/// A path segment of a record system; `_` opens the control paths.
fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.starts_with('_') && !text.contains('/')
}

fn dated(value: &Value, now: Timestamp, place: &str) -> Result<Value, StubError> {
    Ok(match value {
        Value::String(text) => match relative(text, now, place)? {
            Some(at) => Value::String(clock::text(at)),
            None => value.clone(),
        },
        Value::Array(items) => Value::Array(
            items
                .iter()
                .map(|item| dated(item, now, place))
                .collect::<Result<_, _>>()?,
        ),
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(key, item)| Ok((key.clone(), dated(item, now, place)?)))
                .collect::<Result<_, StubError>>()?,
        ),
        other => other.clone(),
    })
}

/// `@+90m`, `@-2d`: a sign, a whole number, one of `s m h d w`. Other text is left as it is.
fn relative(text: &str, now: Timestamp, place: &str) -> Result<Option<Timestamp>, StubError> {
    let Some(offset) = text
        .strip_prefix('@')
        .filter(|rest| rest.starts_with(['+', '-']))
    else {
        return Ok(None);
    };
    let unreadable = || StubError::Seed(format!("{place}: \"{text}\" is not a time like \"@-3h\""));
    let unit = offset.chars().last().ok_or_else(unreadable)?;
    let seconds_each = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return Err(unreadable()),
    };
    let count: i64 = offset[..offset.len() - 1]
        .parse()
        .map_err(|_| unreadable())?;
    let seconds = count.checked_mul(seconds_each).ok_or_else(unreadable)?;
    now.checked_add(SignedDuration::from_secs(seconds))
        .map(Some)
        .map_err(|_| unreadable())
}
