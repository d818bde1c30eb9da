//! Pages with made-up cases: their size and speed are checked, and with `TUESDAY_PREVIEW_DIR` set
//! they are written out with their assets, to look at while working on templates.

use std::time::Instant;

use askama::Template;

use super::forms::fields;
use super::queue::QueuePage;
use super::review::ReviewPage;
use super::scale::scale;
use super::shell::{Shell, Who, WorkflowLink};
use super::views::{
    Before, CaseView, Choice, Claim, ComparedView, ConflictView, From, MadeView, NextCase,
    Overview, QueueGroup, QueueRow, QueueView, SourceView, Tab, Weighed, WriteField, WriteView,
    pair,
};
use crate::assets::Assets;

fn shell(assets: &Assets, title: &str) -> Shell {
    let link = |name: &str, title: &str| WorkflowLink {
        name: name.into(),
        title: title.into(),
        label: "pilot",
        label_tone: "acc",
    };
    Shell {
        title: title.into(),
        here: "queue",
        path: "/queue".into(),
        who: Some(Who {
            handle: "dana".into(),
            name: "Dana Whitfield".into(),
            initials: "DW".into(),
        }),
        sees: super::shell::Sees {
            work: true,
            audit: true,
            people: true,
        },
        waiting: Some("23".into()),
        workflows: vec![
            link("support-triage", "Support triage"),
            link("refunds", "Refund replies"),
        ],
        workflow: Some("refunds".into()),
        assets: assets.links.clone(),
        ..Shell::default()
    }
}

fn queue(rows: usize) -> QueueView {
    let row = |i: usize| QueueRow {
        id: format!("rev_0{:025}", 17_000_000 + i),
        subject: format!("REQ-{}: cannot sign in after the change", 1_000 + i),
        revision: 3,
        reason: "confidence 0.62 is under 0.7".into(),
        more: i.is_multiple_of(7).then(|| "+2".into()),
        due: "2026-11-17T14:45:00Z".into(),
        about: "Desk · 12 min old".into(),
        owner: Claim {
            name: "Marcus Bell".into(),
            initials: "MB".into(),
            me: false,
        },
        half: i == 3,
        level: u32::from(i == 4),
        paused: false,
        left: if i == 0 {
            "8 min over".into()
        } else {
            format!("{} min", 10 + i % 40)
        },
        tone: match i {
            0 => "bad late",
            1..=5 => "warn clock",
            _ => "clock",
        },
        claim: (i % 9 == 1).then(|| Claim {
            name: "Dana Whitfield".into(),
            initials: "DW".into(),
            me: true,
        }),
        here: i == 1,
    };
    let group = |title: &str, range: std::ops::Range<usize>| QueueGroup {
        title: String::from(title),
        due: tuesday_store::DueGroup::Hour,
        count: range.len().to_string(),
        rows: range.map(row).collect(),
    };
    let tab = |words: &str, count: &str, on| Tab {
        href: "/queue".into(),
        words: words.into(),
        count: count.into(),
        on,
    };
    QueueView {
        tabs: vec![
            tab("All", "23", true),
            tab("Mine", "4", false),
            tab("Free", "17", false),
        ],
        who: "all".into(),
        groups: vec![
            group("Overdue", 0..1),
            group("Due within the hour", 1..6),
            group("Later", 6..rows.max(6)),
        ],
        foot: format!("{rows} shown"),
        ..QueueView::default()
    }
}

fn sources() -> Vec<SourceView> {
    let source = |n, name: &str, about: &str, age: &str, tone| SourceView {
        n,
        name: name.into(),
        about: about.into(),
        age: age.into(),
        tone,
        at: Some(("2026-11-17T14:02:11Z".into(), "2026-11-17 14:02".into())),
        texts: if n == 1 {
            vec![pair(
                "Text",
                "Two walnut benches came damaged. I ask for a full refund and attach two photos.",
            )]
        } else {
            Vec::new()
        },
        open: n == 1,
        fields: vec![pair("Tier", "B"), pair("Owner", "Rosa Moss")],
    };
    vec![
        source(1, "Event", "webhook, the request itself", "now", "ok"),
        source(
            2,
            "Order 48213",
            "orders database, version 9",
            "2 min",
            "ok",
        ),
        source(3, "CRM account", "CRM, record ACC-113", "26 h", "warn"),
    ]
}

fn made() -> MadeView {
    MadeView {
        confidence: Some("confidence 0.71".into()),
        lines: vec![
            pair("Release", "22"),
            pair("Model", "large-2026-09"),
            pair("Rules", "version 31"),
            pair("Attempts", "2"),
        ],
        weighed: vec![Weighed {
            words: "Damaged in transit".into(),
            share: "0.71".into(),
            width: 71,
        }],
        evidence: "damaged, benches".into(),
    }
}

fn writes() -> Vec<WriteView> {
    let field = |name: &str, before, after: &str| WriteField {
        name: name.into(),
        before,
        after: after.into(),
        from: From::Source(2),
    };
    vec![WriteView {
        action: "ticket".into(),
        system: "CRM".into(),
        target: "CASE-00913377".into(),
        promise: "once, by a key the destination keeps",
        known: true,
        fields: vec![
            field("Status", Before::Was("Open".into()), "Waiting on refund"),
            field("Refund amount", Before::Unread, "1240.00"),
            field("Tier", Before::Same, "B"),
        ],
    }]
}

fn compared() -> Vec<ComparedView> {
    vec![
        ComparedView {
            column: "Amount".into(),
            words: "1240 is over 500".into(),
            scale: scale(Some("1240"), "> 500", "1240 against 500"),
        },
        ComparedView {
            column: "Confidence".into(),
            words: "0.71 is under 0.85".into(),
            scale: scale(Some("0.71"), "< 0.85", "0.71 against 0.85"),
        },
        ComparedView {
            column: "Tier".into(),
            words: "is B".into(),
            scale: None,
        },
    ]
}

fn case() -> CaseView {
    let reason = |code: &str, words: &str| Choice {
        code: code.into(),
        words: words.into(),
    };
    CaseView {
        id: "rev_00000000000000000017000001".into(),
        revision: 6,
        run: "run_00000000000000000017000001".into(),
        run_short: "run …17000001".into(),
        workflow: "refunds".into(),
        workflow_title: "Refund replies".into(),
        subject: "Refund 1,240.00 to Northwind Supply".into(),
        asks: "Decide whether this answer goes out.".into(),
        arrived: "2026-11-17 14:02".into(),
        tier: "desk".into(),
        due: "Due 14:45, 12 min left".into(),
        due_tone: "warn clock",
        state: "Yours until 14:42".into(),
        state_tone: "acc lock",
        is_output: true,
        has_output: true,
        can_decide: true,
        mine: true,
        approve_words: "Approve and write".into(),
        reject_words: "Nothing is written. The run ends rejected.".into(),
        escalate_to: Some("Priya Raman".into()),
        escalate_words: "The due time starts again for Priya Raman.".into(),
        rule: Some("Rule r4, rules 31".into()),
        reasons: vec!["The amount is over the limit for this tier".into()],
        compared: compared(),
        flags: vec!["CRM account (CRM) is 26 h old, past its warning age".into()],
        effects: "2 writes, one of them is sent to the customer".into(),
        writes: writes(),
        answer_title: "What the model answered",
        output: vec![
            pair("Reason", "damaged_in_transit"),
            pair("Next contact", "2026-11-27"),
        ],
        drafts: vec![pair(
            "Reply",
            "Hi Jo,\n\nI am sorry the two walnut benches arrived damaged. We have approved a refund of 1,240.00 to the card ending 4417. It should reach your account within 3 business days.\n\nYou do not need to send the benches back.\n\nDana, Harbor & Pine",
        )],
        checklist: vec![
            "The customer's name is right".into(),
            "The amount matches the order".into(),
        ],
        reject_reasons: vec![
            reason("wrong_fact", "Wrong fact"),
            reason("policy", "Not allowed by policy"),
            reason("other", "Other, say why"),
        ],
        edit_reasons: vec![
            reason("wrong_fact", "Wrong fact"),
            reason("tone", "Tone"),
            reason("other", "Other"),
        ],
        sources: sources(),
        absent: vec!["crm.region".into()],
        conflicts: vec![ConflictView {
            field: "tier".into(),
            won: "CRM".into(),
            value: "A".into(),
            lost: "entitlement".into(),
            other: "B".into(),
        }],
        owner: "Dana Whitfield".into(),
        claimed: Some("you".into()),
        needed: "1 approval".into(),
        people: "Dana Whitfield, Marcus Bell".into(),
        made: made(),
        ..CaseView::default()
    }
}

fn review(assets: &Assets, rows: usize) -> ReviewPage {
    ReviewPage {
        shell: shell(assets, "Refund 1,240.00 to Northwind Supply"),
        queue: queue(rows),
        case: case(),
        panel: None,
        editing: false,
        changed: false,
        open: String::new(),
        fields: Vec::new(),
        changes: Vec::new(),
        faults: Vec::new(),
        reason: String::new(),
        note: String::new(),
        next: Some(NextCase {
            id: "rev_x".into(),
            subject: "Contoso Home 86.40".into(),
        }),
        part: false,
    }
}

fn edit(assets: &Assets) -> ReviewPage {
    let schema = serde_json::json!({"properties": {"reason": {"enum": ["damaged_in_transit", "late"], "description": "Why."}, "amount": {"type": "number"}, "reply": {"type": "string", "maxLength": 4000, "description": "The text the customer gets."}}});
    let value = serde_json::json!({"reason": "late", "amount": 1240, "reply": "Hi Jo,\n\nIt should reach your account within 3 business days."});
    let mut page = review(assets, 12);
    page.editing = true;
    page.fields = fields(&schema, &value);
    page.fields[1].fault = Some("1240 is more than the maximum of 1000".into());
    page.changes = vec![super::views::ChangedField {
        name: "Reply".into(),
        parts: super::diff::words("within 3 business days", "within 5 working days"),
    }];
    page.reason = "tone".into();
    page
}

#[test]
fn a_full_page_of_the_queue_is_small_and_quick() {
    let assets = Assets::load();
    let page = review(&assets, super::queue::PAGE);
    let html = page.render().unwrap_or_default();
    assert!(
        html.len() > 20_000 && html.len() < 80_000,
        "{} bytes",
        html.len()
    );
    let start = Instant::now();
    for _ in 0..20 {
        assert_eq!(
            page.render().map(|h| h.len()).unwrap_or_default(),
            html.len()
        );
    }
    // The budget holds for optimised builds; a debug build on a busy machine gets ten times of it.
    let each = start.elapsed() / 20;
    let budget = if cfg!(debug_assertions) { 50 } else { 5 };
    assert!(each.as_millis() < budget, "{each:?} for one page");
}

#[test]
fn pages_hold_no_inline_style_and_no_inline_script() {
    let assets = Assets::load();
    for (name, html) in pages(&assets) {
        assert!(
            !html.contains(" style=") && !html.contains("<style") && !html.contains(" onclick"),
            "{name}"
        );
        assert_eq!(html.matches("<script").count(), 1, "{name}");
        for form in html
            .split("<form")
            .skip(1)
            .filter(|f| f.starts_with(" method=\"post\"") || f.contains("method=\"post\""))
        {
            let body = form.split("</form>").next().unwrap_or_default();
            if form[..form.find('>').unwrap_or(0)].contains("method=\"post\"")
                && !body.contains("/sign-in")
                && name != "sign-in"
            {
                assert!(
                    body.contains("name=\"csrf\""),
                    "{name}: a form without its token: {body}"
                );
            }
        }
    }
}

fn pages(assets: &Assets) -> Vec<(&'static str, String)> {
    let render = |page: &dyn askama::DynTemplate| page.dyn_render().unwrap_or_default();
    let mut reject = review(assets, 12);
    reject.open = "reject".into();
    let empty = QueuePage {
        shell: shell(assets, "Review"),
        queue: QueueView {
            groups: Vec::new(),
            ..queue(6)
        },
        over: Overview {
            headline: "Nothing is waiting".into(),
            told: "Every case is decided.".into(),
            ..Overview::default()
        },
    };
    vec![
        ("review", render(&review(assets, 12))),
        ("edit", render(&edit(assets))),
        ("reject", render(&reject)),
        ("empty", render(&empty)),
    ]
}

#[test]
fn pages_can_be_written_out() {
    let Ok(dir) = std::env::var("TUESDAY_PREVIEW_DIR") else {
        return;
    };
    let assets = Assets::load();
    let out = std::path::Path::new(&dir);
    let write = |name: &str, bytes: &[u8]| {
        let path = out.join(name);
        assert!(
            path.parent()
                .is_some_and(|p| std::fs::create_dir_all(p).is_ok())
        );
        assert!(std::fs::write(path, bytes).is_ok());
    };
    for (name, html) in pages(&assets) {
        write(&format!("{name}.html"), html.as_bytes());
        write(
            &format!("{name}-dark.html"),
            html.replace("<html lang=\"en\"", "<html lang=\"en\" data-theme=\"dark\"")
                .as_bytes(),
        );
    }
    for link in [
        &assets.links.css,
        &assets.links.js,
        &assets.links.font,
        &assets.links.icon,
    ]
    .into_iter()
    .chain(&assets.links.modules)
    {
        let name = link.trim_start_matches("/assets/");
        if let Some(asset) = assets.get(name) {
            write(&format!("assets/{name}"), &asset.bytes);
        }
    }
}
