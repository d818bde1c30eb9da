//! Splits a received event stream into its events.

use std::borrow::Cow;
use std::collections::HashSet;

/// One event.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Event<'a> {
    /// Its data; several lines joined.
    pub(super) data: Cow<'a, str>,
}

/// Why a stream cannot be split.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken(pub(super) &'static str);

/// The events of `body` that carry data. A stream that ends inside an event was cut, and an event id that comes twice was
/// repeated on the way: both are errors, because a text put together from them would be wrong without looking wrong.
pub(super) fn events(body: &[u8]) -> Result<Vec<Event<'_>>, Broken> {
    let text = std::str::from_utf8(body)
        .map_err(|_| Broken("the stream is not UTF-8, or breaks off inside a character"))?;
    let mut seen = HashSet::new();
    let mut events = Vec::new();
    let mut data: Option<Cow<'_, str>> = None;
    let mut open = false;
    for line in lines(text.trim_start_matches('\u{feff}')) {
        let Some(line) = line.ended() else {
            return Err(Broken("the stream ends inside a line"));
        };
        if line.is_empty() {
            events.extend(data.take().map(|data| Event { data }));
            open = false;
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        open |= !field.is_empty();
        match field {
            "data" => match &mut data {
                Some(data) => {
                    let data = data.to_mut();
                    data.push('\n');
                    data.push_str(value);
                }
                None => data = Some(Cow::Borrowed(value)),
            },
            "id" if !value.is_empty() && !seen.insert(value) => {
                return Err(Broken("the stream repeats an event"));
            }
            _ => {}
        }
    }
    if open {
        Err(Broken("the stream ends inside an event"))
    } else {
        Ok(events)
    }
}

/// A line, and whether its end was there.
struct Line<'a>(&'a str, bool);

impl<'a> Line<'a> {
    fn ended(&self) -> Option<&'a str> {
        self.1.then_some(self.0)
    }
}

/// Lines end with LF, CRLF or CR.
fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some(at) = rest.find(['\n', '\r']) else {
            return Some(Line(std::mem::take(&mut rest), false));
        };
        let line = &rest[..at];
        rest = if rest[at..].starts_with("\r\n") {
            &rest[at + 2..]
        } else {
            &rest[at + 1..]
        };
        Some(Line(line, true))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(body: &str) -> Result<Vec<String>, Broken> {
        events(body.as_bytes()).map(|events| {
            events
                .into_iter()
                .map(|event| event.data.into_owned())
                .collect()
        })
    }

    #[test]
    fn all_line_ends_comments_and_several_data_lines() {
        let wanted = Ok(vec!["a".to_owned(), "b\nc".to_owned()]);
        for end in ["\n", "\r\n", "\r"] {
            let body = [
                ": hello", "event: x", "data: a", "", "", "data:b", "data: c", "", ": bye", "",
            ]
            .join(end);
            assert_eq!(data(&body), wanted, "{end:?}");
        }
    }

    #[test]
    fn cut_and_repeated_streams_are_errors() {
        for body in [
            "data: a\n\ndata: b",
            "data: a\n\ndata: b\n",
            "id: 1\ndata: a\n\nid: 1\ndata: a\n\n",
            "event: x\n",
        ] {
            assert!(data(body).is_err(), "{body:?}");
        }
        assert!(events(b"data: \xe2\x82").is_err());
    }
}
