//! Keeps a rendered address on the host its template names.
//!
//! Values of a case fill paths and queries; they must never choose the machine that is called.

use reqwest::Url;

/// Parses `rendered` and checks that scheme, host and port are those written in `template`.
///
/// # Errors
/// In words: the template's host part is itself a template, either is no address, or the two differ.
pub fn pinned(template: &str, rendered: &str) -> Result<Url, String> {
    let rest = template
        .find("://")
        .map_or(template, |at| &template[at + 3..]);
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or(rest);
    if template.starts_with('{')
        || ["{{", "{%", "{#"]
            .iter()
            .any(|mark| authority.contains(mark))
    {
        return Err(
            "the scheme and host of an address must be written out, not filled in".to_owned(),
        );
    }
    // The end of the authority is found textually, so the written start alone decides the origin.
    let start = &template[..template.len() - rest.len() + authority.len()];
    let written = Url::parse(start).map_err(|e| format!("`{start}` is not an address: {e}"))?;
    let url = Url::parse(rendered)
        .map_err(|e| format!("the filled-in address on {start} is not an address: {e}"))?;
    if url.origin() != written.origin()
        || !url.origin().is_tuple()
        || !url.username().is_empty()
        || url.password().is_some()
    {
        return Err(format!("the filled-in address leaves {start}"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::pinned;

    #[test]
    fn values_fill_paths_and_queries() {
        let url = pinned(
            "https://crm.example/deals/{{ input.id }}?x={{ input.x }}",
            "https://crm.example/deals/7?x=1",
        );
        assert_eq!(
            url.map(|url| url.to_string()),
            Ok("https://crm.example/deals/7?x=1".to_owned())
        );
    }

    #[test]
    fn values_never_choose_the_host() {
        for (template, rendered) in [
            ("https://{{ input.host }}/x", "https://a.example/x"),
            ("{{ input.url }}", "https://a.example/"),
            (
                "https://a.example{{ input.x }}/",
                "https://a.example.evil.example/",
            ),
            ("https://a.example/{{ input.x }}", "https://evil.example/"),
            ("https://a.example/{{ input.x }}", "https://u@a.example/"),
            ("https://a.example/x", "http://a.example/x"),
            ("https://a.example/x", "https://a.example:8443/x"),
            ("file:///etc/{{ x }}", "file:///etc/passwd"),
            ("nonsense", "nonsense"),
        ] {
            assert!(pinned(template, rendered).is_err(), "{template} {rendered}");
        }
    }
}
