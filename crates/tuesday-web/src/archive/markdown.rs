//! Markdown as HTML, as much of it as runbooks and incidents use: headings, paragraphs, lists, tables, code,
//! quotes, bold words and links. Everything else is text. No tag of the source ever becomes one.

use std::fmt::Write as _;

/// Where a link leads: an address, or nowhere, which leaves its words.
pub(super) type Leads<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// The first heading, and the rest as HTML.
pub(super) fn page(text: &str, leads: &Leads<'_>) -> (String, String) {
    let mut lines = text.lines().peekable();
    while lines.peek().is_some_and(|l| l.trim().is_empty()) {
        lines.next();
    }
    let title = lines
        .next_if(|l| l.starts_with("# "))
        .map(|l| l.trim_start_matches('#').trim().to_owned());
    let rest: Vec<&str> = lines.collect();
    (title.unwrap_or_default(), html(&rest, leads))
}

fn html(lines: &[&str], leads: &Leads<'_>) -> String {
    let mut out = String::new();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at].trim_end();
        let used = match kind(line) {
            Kind::Empty => 1,
            Kind::Fence => fence(&mut out, &lines[at..]),
            Kind::Heading(level) => {
                // The page has its own title above.
                let level = level.clamp(2, 6);
                let words = inline(line.trim_start_matches('#').trim(), leads);
                let _ = writeln!(out, "<h{level}>{words}</h{level}>");
                1
            }
            Kind::Table => table(&mut out, &lines[at..], leads),
            Kind::Item(_) => list(&mut out, &lines[at..], leads),
            Kind::Quote => quote(&mut out, &lines[at..], leads),
            Kind::Words => paragraph(&mut out, &lines[at..], leads),
        };
        at += used.max(1);
    }
    out
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Empty,
    Fence,
    Heading(usize),
    Table,
    /// Numbered or not.
    Item(bool),
    Quote,
    Words,
}

fn kind(line: &str) -> Kind {
    let inside = line.trim();
    let marks = inside.bytes().take_while(|b| *b == b'#').count();
    if inside.is_empty() {
        Kind::Empty
    } else if inside.starts_with("```") {
        Kind::Fence
    } else if marks > 0 && inside[marks..].starts_with(' ') {
        Kind::Heading(marks)
    } else if inside.starts_with('|') {
        Kind::Table
    } else if let Some((numbered, _)) = item(inside) {
        Kind::Item(numbered)
    } else if inside.starts_with('>') {
        Kind::Quote
    } else {
        Kind::Words
    }
}

/// An item of a list: whether it is numbered, and its words.
fn item(line: &str) -> Option<(bool, &str)> {
    if let Some(rest) = line.strip_prefix("- ").or_else(|| line.strip_prefix("* ")) {
        return Some((false, rest));
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let rest = line[digits..].strip_prefix(". ")?;
    (1..=4).contains(&digits).then_some((true, rest))
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn fence(out: &mut String, lines: &[&str]) -> usize {
    let inside = lines[1..]
        .iter()
        .take_while(|l| !l.trim_start().starts_with("```"));
    let inside: Vec<&str> = inside.copied().collect();
    let _ = writeln!(out, "<pre>{}</pre>", escaped(&inside.join("\n")));
    inside.len() + 2
}

fn paragraph(out: &mut String, lines: &[&str], leads: &Leads<'_>) -> usize {
    let words = lines.iter().take_while(|l| kind(l) == Kind::Words);
    let words: Vec<&str> = words.map(|l| l.trim()).collect();
    let _ = writeln!(out, "<p>{}</p>", inline(&words.join(" "), leads));
    words.len()
}

fn quote(out: &mut String, lines: &[&str], leads: &Leads<'_>) -> usize {
    let inside = lines.iter().take_while(|l| kind(l) == Kind::Quote);
    let inside: Vec<&str> = inside
        .map(|l| l.trim_start().trim_start_matches('>').trim_start())
        .collect();
    let _ = writeln!(out, "<blockquote>{}</blockquote>", html(&inside, leads));
    inside.len()
}

/// Items, each with the lines that are indented below it.
fn list(out: &mut String, lines: &[&str], leads: &Leads<'_>) -> usize {
    let depth = indent(lines[0]);
    let Kind::Item(numbered) = kind(lines[0]) else {
        return 1;
    };
    let tag = if numbered { "ol" } else { "ul" };
    let _ = write!(out, "<{tag}>");
    let mut at = 0;
    while at < lines.len() && indent(lines[at]) == depth && kind(lines[at]) == Kind::Item(numbered)
    {
        let words = item(lines[at].trim_start()).map_or("", |i| i.1);
        let below = lines[at + 1..]
            .iter()
            .take_while(|l| !l.trim().is_empty() && indent(l) > depth);
        let below: Vec<&str> = below.copied().collect();
        let own = below.iter().take_while(|l| kind(l) == Kind::Words).count();
        let words = std::iter::once(words).chain(below[..own].iter().map(|l| l.trim()));
        let words: Vec<&str> = words.collect();
        let _ = write!(out, "<li>{}", inline(&words.join(" "), leads));
        out.push_str(&html(&below[own..], leads));
        out.push_str("</li>");
        at += 1 + below.len();
    }
    let _ = writeln!(out, "</{tag}>");
    at.max(1)
}

fn table(out: &mut String, lines: &[&str], leads: &Leads<'_>) -> usize {
    let rows: Vec<Vec<String>> = lines
        .iter()
        .take_while(|l| kind(l) == Kind::Table)
        .map(|l| cells(l))
        .collect();
    let ruled = rows.get(1).is_some_and(|r| {
        r.iter()
            .all(|c| !c.is_empty() && c.bytes().all(|b| matches!(b, b'-' | b':' | b' ')))
    });
    let _ = write!(
        out,
        "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Table\"><table>"
    );
    let head = rows
        .first()
        .filter(|r| ruled && r.iter().any(|c| !c.is_empty()));
    if let Some(head) = head {
        out.push_str("<thead><tr>");
        for c in head {
            let _ = write!(out, "<th scope=\"col\">{}</th>", inline(c, leads));
        }
        out.push_str("</tr></thead>");
    }
    out.push_str("<tbody>");
    for row in rows.iter().skip(if ruled { 2 } else { 0 }) {
        out.push_str("<tr>");
        for c in row {
            let _ = write!(out, "<td>{}</td>", inline(c, leads));
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table></div>\n");
    rows.len()
}

/// The cells of a row; a mark behind a backslash belongs to its cell.
fn cells(line: &str) -> Vec<String> {
    let line = line.trim();
    let inside = line.strip_prefix('|').unwrap_or(line);
    let inside = match inside.strip_suffix('|') {
        Some(cut) if !cut.ends_with('\\') => cut,
        _ => inside,
    };
    let kept = inside.replace("\\|", "\u{0}");
    let cells = kept.split('|');
    cells.map(|c| c.trim().replace('\u{0}', "|")).collect()
}

/// Code, bold words and links of a line; the rest is text.
fn inline(text: &str, leads: &Leads<'_>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['`', '*', '[']) {
        out.push_str(&escaped(&rest[..at]));
        let from = &rest[at..];
        let used = code(&mut out, from)
            .or_else(|| bold(&mut out, from, leads))
            .or_else(|| link(&mut out, from, leads));
        let used = used.unwrap_or_else(|| {
            out.push_str(&escaped(&from[..1]));
            1
        });
        rest = &from[used..];
    }
    out.push_str(&escaped(rest));
    out
}

fn code(out: &mut String, text: &str) -> Option<usize> {
    let inside = text.strip_prefix('`')?;
    let end = inside.find('`')?;
    let _ = write!(out, "<code>{}</code>", escaped(&inside[..end]));
    Some(end + 2)
}

fn bold(out: &mut String, text: &str, leads: &Leads<'_>) -> Option<usize> {
    let inside = text.strip_prefix("**")?;
    let end = inside.find("**").filter(|e| *e > 0)?;
    let _ = write!(out, "<b>{}</b>", inline(&inside[..end], leads));
    Some(end + 4)
}

fn link(out: &mut String, text: &str, leads: &Leads<'_>) -> Option<usize> {
    let middle = text.find("](").filter(|_| text.starts_with('['))?;
    let end = middle + text[middle..].find(')')?;
    let (words, target) = (&text[1..middle], &text[middle + 2..end]);
    if words.contains('[') {
        return None;
    }
    let words = inline(words, &|_| None);
    match leads(target) {
        Some(href) => {
            let _ = write!(out, "<a href=\"{}\">{words}</a>", escaped(&href));
        }
        None => out.push_str(&words),
    }
    Some(end + 1)
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        let lines: Vec<&str> = text.lines().collect();
        html(&lines, &|to| {
            to.ends_with(".md").then(|| to.replace(".md", ".html"))
        })
    }

    #[test]
    fn what_runbooks_use_becomes_html() {
        assert_eq!(
            told(
                "## A `b`\n\nOne\ntwo **three**.\n\n1. first\n   goes on\n   - inner\n2. second\n"
            ),
            "<h2>A <code>b</code></h2>\n<p>One two <b>three</b>.</p>\n<ol><li>first goes on<ul><li>inner</li></ul>\n</li><li>second</li></ol>\n"
        );
        let table = told("| a | b |\n|---|---|\n| x \\| y | [z](z.md) |\n");
        assert!(table.contains("<th scope=\"col\">a</th>"), "{table}");
        assert!(
            table.contains("<td>x | y</td><td><a href=\"z.html\">z</a></td>"),
            "{table}"
        );
        assert_eq!(
            told("```\n<b> & **c**\n```\nd"),
            "<pre>&lt;b&gt; &amp; **c**</pre>\n<p>d</p>\n"
        );
        let bare = told("| | |\n|---|---|\n| a | b |\n");
        assert!(!bare.contains("<th"), "{bare}");
    }

    #[test]
    fn text_stays_text_and_a_link_without_a_place_its_words() {
        assert_eq!(
            told("<script>x</script> [queue](/queue) a * b [c] d`e 2 < 3"),
            "<p>&lt;script&gt;x&lt;/script&gt; queue a * b [c] d`e 2 &lt; 3</p>\n"
        );
        assert_eq!(
            told("[\"x\"](\"y.md)"),
            "<p><a href=\"&quot;y.html\">&quot;x&quot;</a></p>\n"
        );
        let (title, rest) = page("\n# A title\n\nwords", &|_| None);
        assert_eq!(
            (title.as_str(), rest.as_str()),
            ("A title", "<p>words</p>\n")
        );
    }

    #[test]
    fn no_text_makes_it_hang_or_fall() {
        for text in [
            "- ",
            "|",
            "||\n|-|",
            "> > > a",
            "```",
            "**",
            "****",
            "[](",
            "1.",
            "# ",
            "  - a\n- b",
            "é*`[",
        ] {
            told(text);
        }
    }
}
