//! Addresses filled with values of a case. A value may fill its own place in the path or the query
//! and nothing else: it never chooses the host, adds a path segment or adds a parameter.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tuesday_domain::facts::{Ctx, Text};

use crate::net::{Url, pinned};

/// Renders address templates; each is compiled once.
#[derive(Default)]
pub(crate) struct Addresses(Mutex<HashMap<String, Arc<Text>>>);

impl Addresses {
    /// The address for `facts`; texts in it are percent-encoded before they are put in.
    pub(crate) fn render(&self, template: &str, facts: &Value) -> Result<Url, String> {
        let text = self.compiled(template)?;
        let rendered = text.render(&Ctx::new(&encoded(facts)))?;
        checked(template, &rendered)
    }

    fn compiled(&self, template: &str) -> Result<Arc<Text>, String> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = known.get(template) {
            return Ok(Arc::clone(text));
        }
        let text = Arc::new(Text::parse(template)?);
        known.insert(template.to_owned(), Arc::clone(&text));
        Ok(text)
    }
}

/// Checks an address that was rendered elsewhere against its template: same host, same shape.
pub(crate) fn checked(template: &str, rendered: &str) -> Result<Url, String> {
    let url = pinned(template, rendered)?;
    let steps_out = |segment: &str| {
        let plain = segment.to_ascii_lowercase().replace("%2e", ".");
        plain == "." || plain == ".."
    };
    let path = rendered.split(['?', '#']).next().unwrap_or(rendered);
    if path.split(['/', '\\']).any(steps_out) {
        return Err("a value steps out of its place in the address".to_owned());
    }
    // With `{% if %}` in it the written shape is not one shape, so only its parts can be compared.
    if !template.contains("{%") && shape(&literal(template)) != shape(rendered) {
        return Err(
            "a value with `/`, `?`, `#` or `&` changes the address; encode it or use another id"
                .to_owned(),
        );
    }
    Ok(url)
}

/// Slashes of the path, question marks, ampersands of the query and hashes.
fn shape(address: &str) -> (usize, usize, usize, usize) {
    let count = |text: &str, what: char| text.matches(what).count();
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    (
        count(path, '/'),
        count(address, '?'),
        count(query, '&'),
        count(address, '#'),
    )
}

/// The template without its `{{ … }}` parts.
fn literal(template: &str) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, tail)) = rest.split_once("{{") {
        out.push_str(before);
        rest = tail.split_once("}}").map_or("", |(_, after)| after);
    }
    out + rest
}

fn encoded(value: &Value) -> Value {
    match value {
        Value::String(s) => Value::String(percent(s)),
        Value::Array(items) => Value::Array(items.iter().map(encoded).collect()),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(k, v)| (k.clone(), encoded(v))).collect())
        }
        other => other.clone(),
    }
}

/// Everything but letters, digits and `-._~` as `%XX`.
fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;
    use serde_json::json;

    const T: &str = "https://crm.example/deals/{{ input.id }}?v={{ input.v }}";

    #[test]
    fn values_stay_in_their_place() {
        let a = Addresses::default();
        let url = a
            .render(T, &json!({"input": {"id": "a/b?c", "v": "1&x=2"}}))
            .unwrap();
        assert_eq!(
            url.as_str(),
            "https://crm.example/deals/a%2Fb%3Fc?v=1%26x%3D2"
        );
        assert!(
            a.render(T, &json!({"input": {"id": "..", "v": "1"}}))
                .is_err()
        );
        assert!(
            a.render(T, &json!({"input": {"id": "7"}})).is_err(),
            "undefined is an error"
        );
    }

    #[test]
    fn an_address_rendered_elsewhere_keeps_its_shape() {
        assert!(checked(T, "https://crm.example/deals/7?v=1").is_ok());
        for bad in [
            "7/close?v=1",
            "7?x=1&v=1",
            "7?v=1#x",
            "../admin?v=1",
            "%2e%2E?v=1",
            "7?v=1?",
        ] {
            assert!(
                checked(T, &format!("https://crm.example/deals/{bad}")).is_err(),
                "{bad}"
            );
        }
    }
}
