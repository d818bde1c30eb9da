//! `${name}` in a definition: values that differ between installations, such as host names.

use std::collections::BTreeMap;

/// Replaces every `${name}` in `text` (a definition as TOML) by its value.
///
/// # Errors
/// Names the first variable that has no value.
pub fn substitute(text: &str, vars: &BTreeMap<String, String>) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let (before, tail) = rest.split_at(start);
        out.push_str(before);
        let Some(end) = tail.find('}') else {
            return Err("`${` without `}`".to_owned());
        };
        let name = &tail[2..end];
        let value = vars
            .get(name)
            .ok_or_else(|| format!("`${{{name}}}` has no value: add it under [vars]"))?;
        out.push_str(value);
        rest = &tail[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}
