//! Faults a definition must not get away with.

use std::collections::BTreeMap;

use super::check;
use crate::definition::Package;

const WORKFLOW: &str = r#"
[workflow]
name = "small"
title = "Small"
about = "Grades a case and writes the grade."
time_zone = "Europe/Berlin"
subject = "{{ input.id }}"
support = "Ask Rhea Lind"
[owners]
operator = { handle = "rhea", name = "Rhea Lind", email = "rhea.lind@example.com" }
backup = { handle = "boris", name = "Boris Amari", email = "boris.amari@example.com" }
technical = { handle = "tove", name = "Tove Nyman", email = "tove.nyman@example.com" }
escalation = { handle = "edda", name = "Edda Moreau", email = "edda.moreau@example.com" }
[[trigger]]
name = "hand"
kind = "cli"
event_id = "id"
[input]
schema = "input.schema.json"
[[source]]
name = "crm"
kind = "http"
system = "CRM"
rank = 1
class = "internal"
url = "https://crm.example.com/{{ input.id }}"
fields = ["tier"]
record_id = "id"
updated_at = "updated_at"
warn_after = "1d"
error_after = "30d"
[model]
kind = "http"
pin = "fake-1"
provider = "fake"
url = "https://model.example.com"
clearance = "internal"
[prompt]
owner = "rhea"
[output]
schema = "output.schema.json"
[facts]
grade = "output.grade"
[review]
due = "4h"
reasons = ["wrong"]
on_reject = "close"
on_approve = "act"
[[review.tier]]
name = "desk"
owner = "rhea"
backup = "boris"
[[action]]
name = "note"
class = "write"
kind = "http"
system = "Desk"
ability = "B"
target = "input.id"
method = "POST"
url = "https://desk.example.com/notes/{{ input.id }}"
[action.fields]
grade = "output.grade"
[[action]]
name = "letter"
class = "send"
kind = "smtp"
system = "Mail"
ability = "F"
target = "input.id ~ '@example.com'"
server = "mail.example.com:587"
from = "desk@example.com"
subject = "Case {{ input.id }}"
tls = "starttls"
[action.fields]
body = "output.grade"
[manual]
owner = "rhea"
instructions = "Grade it by hand."
due = "8h"
[on_failure]
snapshot = "retry"
generate = "retry"
validate = "person"
route = "person"
dispatch = "retry"
[rollout]
label = "production"
stage = "auto"
"#;

const INPUT: &str = r#"{"type":"object","required":["id"],"additionalProperties":false,"properties":{
    "id":{"type":"string","maxLength":40,"description":"Number of the case.","x-class":"internal"}}}"#;
const OUTPUT: &str = r#"{"type":"object","required":["grade"],"additionalProperties":false,"properties":{
    "grade":{"enum":["low","high"],"description":"How much it matters.","x-class":"internal"}}}"#;
const RULES: &str = "row,grade:one of low|high,route,review_tier,reason,note\nr1,low,auto,,It matters little,\nr2,any,review,desk,It matters,\n";

/// Codes of the errors of the package, with `from` written as `to`.
fn codes(from: &str, to: &str) -> Vec<(&'static str, String)> {
    assert!(WORKFLOW.contains(from) || INPUT.contains(from), "{from}");
    let toml = WORKFLOW.replacen(from, to, 1);
    let input = INPUT.replacen(from, to, 1);
    let files = [
        ("workflow.toml", toml.as_str()),
        ("input.schema.json", input.as_str()),
        ("output.schema.json", OUTPUT),
        ("rules.csv", RULES),
        ("prompt.md", "Grade case {{ input.id }}."),
        ("runbook.md", "# Runbook\n\nNothing to do.\n"),
    ];
    let package = Package::new(files.map(|(n, t)| (n.to_owned(), t.to_owned())));
    check(&package, &BTreeMap::new())
        .into_iter()
        .filter(|f| !f.warning)
        .map(|f| (f.code, f.message))
        .collect()
}

#[test]
fn the_package_itself_has_no_fault() {
    assert_eq!(codes("[workflow]", "[workflow]"), []);
}

#[test]
fn model_text_is_refused_wherever_an_address_is_made() {
    let places = [
        ("target = \"input.id\"", "target = \"output.grade\""),
        ("notes/{{ input.id }}", "notes/{{ output.grade }}"),
        ("input.id ~ '@example.com'", "output.grade ~ '@example.com'"),
        (
            "crm.example.com/{{ input.id }}",
            "crm.example.com/{{ output.grade }}",
        ),
        (
            "subject = \"{{ input.id }}\"",
            "subject = \"{{ output.grade }}\"",
        ),
    ];
    for (from, to) in places {
        let found = codes(from, to);
        assert!(
            found
                .iter()
                .any(|(code, message)| *code == "model_text_as_address"
                    && message.contains("output.grade")),
            "{to}: {found:?}"
        );
    }
}

#[test]
fn a_subject_names_no_restricted_field() {
    let found = codes("\"x-class\":\"internal\"", "\"x-class\":\"restricted\"");
    assert!(
        found.iter().any(|(code, _)| *code == "restricted_subject"),
        "{found:?}"
    );
}

#[test]
fn the_technical_owner_decides_no_content() {
    let found = codes("[manual]\nowner = \"rhea\"", "[manual]\nowner = \"tove\"");
    assert!(
        found.iter().any(|(code, _)| *code == "technical_decides"),
        "{found:?}"
    );
}

#[test]
fn what_no_source_supplies_is_refused() {
    let found = codes("notes/{{ input.id }}", "notes/{{ input.number }}");
    assert!(
        found.iter().any(|(code, _)| *code == "unprovenanced_input"),
        "{found:?}"
    );
}

#[test]
fn what_is_declared_about_trouble_means_something() {
    for (from, to, code) in [
        (
            "[input]\n",
            "[on_call]\nshift = [{ person = \"zoe\", days = \"mon-sun\" }]\n[input]\n",
            "unknown_person",
        ),
        (
            "[input]\n",
            "[on_call]\nshift = [{ person = \"rhea\", days = \"noday\" }]\n[input]\n",
            "bad_shift",
        ),
        (
            "event_id = \"id\"",
            "event_id = \"id\"\nexpect = { events = 0, per = \"day\" }",
            "bad_expectation",
        ),
        (
            "[input]\n",
            "[watch]\ndelivery = \"0s\"\n[input]\n",
            "bad_span",
        ),
        (
            "[input]\n",
            "[watch]\ndelivery = \"-5s\"\n[input]\n",
            "not_a_definition",
        ),
        (
            "[input]\n",
            "[degraded]\nmodel = \"ignore\"\n[input]\n",
            "not_a_definition",
        ),
    ] {
        let found = codes(from, to);
        assert!(found.iter().any(|f| f.0 == code), "{to}: {found:?}");
    }
    let whole = "[on_call]\nshift = [{ person = \"rhea\", days = \"mon-fri\" }]\n[watch]\ndelivery = \"2m\"\n[degraded]\nmodel = \"people\"\n[input]\n";
    assert_eq!(
        codes("[input]\n", whole),
        [],
        "a gap in the rotation is a warning"
    );
}

#[test]
fn conditions_that_cannot_be_judged_are_faults() {
    let end = "[rollout]\nlabel = \"production\"\nstage = \"auto\"\n";
    for (added, code) in [
        (
            "[[pause_rule]]\nname = \"a\"\nmetric = \"error_rate\"\nnumber = 30\n",
            "pause_rule",
        ),
        (
            "[[pause_rule]]\nname = \"a\"\nmetric = \"error_rate\"\nnumber = 130\nover_runs = 5\n",
            "pause_rule",
        ),
        (
            "[[pause_rule]]\nname = \"a\"\nmetric = \"signals\"\nnumber = 3\nover = \"1d\"\n",
            "pause_rule",
        ),
        (
            "[kill]\ncondition = \"x\"\nsignal = \"outcome\"\nabove = 100\nover = 10\n",
            "kill_condition",
        ),
        (
            "[kill]\ncondition = \"x\"\nsignal = \"outcome\"\nabove = 20\nover = 0\n",
            "kill_condition",
        ),
        ("[rollout.scope]\ngroups = [\"a\"]\n", "rollout_scope"),
        (
            "[rollout.scope]\ntype = \"input.id\"\ntypes = [\"a\"]\nrisky = [\"a\"]\n",
            "rollout_scope",
        ),
    ] {
        let found = codes(end, &format!("{end}{added}"));
        assert!(found.iter().any(|(c, _)| *c == code), "{added}: {found:?}");
    }
    let sound = "[[pause_rule]]\nname = \"a\"\nmetric = \"error_rate\"\nnumber = 30\nover_runs = 50\n\
        [kill]\ncondition = \"x\"\nsignal = \"outcome\"\nabove = 20\nover = 100\n";
    assert_eq!(codes(end, &format!("{end}{sound}")), []);
}

#[test]
fn what_reads_does_not_write_with_the_same_credential() {
    let auth = "auth = { header = \"Authorization\", secret = \"env:KEY\" }";
    let read = format!("record_id = \"id\"\n{auth}");
    let both = WORKFLOW.replacen("record_id = \"id\"", &read, 1).replacen(
        "method = \"POST\"",
        &format!("method = \"POST\"\n{auth}"),
        1,
    );
    let found = codes(WORKFLOW, &both);
    assert!(
        found.iter().any(|(c, _)| *c == "shared_credential"),
        "{found:?}"
    );
}

#[test]
fn an_alternative_is_there_for_a_model_only_and_a_credential_ends_on_a_day() {
    let found = |from: &str, to: &str| -> Vec<&'static str> {
        codes(from, to).into_iter().map(|f| f.0).collect()
    };
    let away = |plan: &str| found("[input]\n", &format!("[degraded]\n{plan}\n[input]\n"));
    assert_eq!(away("model = \"alternative\""), [""; 0]);
    assert_eq!(away("source = \"alternative\""), ["no_alternative"]);
    assert_eq!(away("destination = \"alternative\""), ["no_alternative"]);
    let url = "url = \"https://model.example.com\"";
    let ends = |day: &str| {
        let auth = format!(
            "{url}\nauth = {{ header = \"X\", secret = \"env:NONE\", expires = \"{day}\" }}"
        );
        found(url, &auth)
    };
    assert_eq!(ends("2027-03-31"), [""; 0]);
    assert_eq!(ends("2027-02-30"), ["bad_day"]);
    assert_eq!(ends("soon"), ["bad_day"]);
}

#[test]
fn a_template_has_an_owner_and_what_is_cited_is_there() {
    let own = "[prompt]\nowner = \"rhea\"\n";
    let has = |to: &str, code: &str| codes(own, to).iter().any(|(c, _)| *c == code);
    assert!(has("", "template_without_owner"));
    assert!(has("[prompt]\nowner = \"nobody\"\n", "unknown_person"));
    let all = |more: &str| codes(own, &format!("{own}{more}"));
    assert_eq!(all("policies = [\"return-policy-3\"]\n"), []);
    assert_eq!(all("[rule.r2]\npolicies = [\"return-policy-3\"]\n"), []);
    for (more, code) in [
        ("policies = [\"Return policy\"]\n", "bad_policy"),
        ("policies = [\"a\", \"a\"]\n", "bad_policy"),
        ("[rule.r9]\npolicies = [\"a\"]\n", "unknown_rule"),
        ("[rule.r2]\nowner = \"nobody\"\n", "unknown_person"),
        ("[text.tone]\npolicies = [\"a\"]\n", "unknown_text"),
    ] {
        let found = all(more);
        assert!(found.iter().any(|(c, _)| *c == code), "{more}: {found:?}");
    }
}

/// `[retention]`: whole days, of classes that there are, and nothing stricter for longer.
#[test]
fn retention_is_in_days_of_classes_that_there_are() {
    let with = |text: &str| codes("[manual]", &format!("[retention]\n{text}\n[manual]"));
    for good in [
        "",
        "restricted = 30",
        "internal = 1\nconfidential = 1\nrestricted = 1",
        "public = 3660",
        "public = 400\ninternal = 400",
    ] {
        assert_eq!(with(good), [], "{good}");
    }
    for (bad, code, word) in [
        (
            "internal = 0",
            "bad_retention",
            "retention.internal is 0 days",
        ),
        (
            "public = 3661",
            "bad_retention",
            "retention.public is 3661 days",
        ),
        (
            "internal = 30\nrestricted = 31",
            "retention_order",
            "longer than",
        ),
        (
            "restricted = 396",
            "retention_order",
            "longer than confidential with 395",
        ),
    ] {
        let found = with(bad);
        let named = found.iter().any(|(c, m)| *c == code && m.contains(word));
        assert!(named, "{bad}: {found:?}");
    }
    // What is no number of days or no class is refused before that, and named.
    for (bad, word) in [
        ("secret = 30", "secret"),
        ("internal = -1", "-1"),
        ("internal = 1.5", "1.5"),
        ("internal = \"30 days\"", "30 days"),
    ] {
        let found = with(bad);
        assert!(
            found.iter().any(|(_, m)| m.contains(word)),
            "{bad}: {found:?}"
        );
    }
}
const ACME: &str = "[[vendor]]\nname = \"Acme\"\nprovides = \"the model\"\ncontract_ends = \"2027-03-31\"\nowner = \"tove\"\n[[trigger]]";

#[test]
fn a_vendor_has_an_end_and_somebody_inside() {
    assert_eq!(codes("[[trigger]]", ACME), []);
    for (from, to, code) in [
        ("2027-03-31", "soon", "bad_day"),
        (
            "owner = \"tove\"",
            "owner = \"acme-desk\"",
            "vendor_without_inside_owner",
        ),
        ("name = \"Acme\"", "name = \" \"", "bad_vendor"),
    ] {
        let text = ACME.replacen(from, to, 1);
        let found: Vec<_> = codes("[[trigger]]", &text)
            .into_iter()
            .map(|f| f.0)
            .collect();
        assert_eq!(found, [code], "{to}");
    }
}

#[test]
fn people_of_a_vendor_are_never_the_only_owners() {
    let works = |who: &str, text: &str| {
        let mail = format!("{who}@example.com\" }}");
        let outside = format!("{who}@example.com\", vendor = \"Acme\" }}");
        assert!(text.contains(&mail), "{who}");
        text.replacen(&mail, &outside, 1)
    };
    let begins = WORKFLOW.find("operator = ").unwrap_or_default();
    let ends = WORKFLOW.find("[[trigger]]").unwrap_or_default();
    let owners = &WORKFLOW[begins..ends];
    let found = |changed: &str| -> Vec<&'static str> {
        let text = format!("{changed}{ACME}");
        let all = codes(&format!("{owners}[[trigger]]"), &text);
        all.into_iter().map(|f| f.0).collect()
    };
    let operator = works("rhea.lind", owners);
    assert_eq!(found(&operator), [""; 0], "the backup is inside");
    let both = works("boris.amari", &operator);
    assert_eq!(found(&both), ["vendor_only_owner"]);
    let technical = works("tove.nyman", owners);
    assert_eq!(found(&technical), ["vendor_without_inside_owner"]);
    let unknown = operator.replacen("Acme", "Other", 1);
    assert_eq!(found(&unknown), ["unknown_vendor"]);
}
