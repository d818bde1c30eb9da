//! `[retention]` of `tuesday.toml`, through the file: what it says holds for the installed package, and what cannot
//! be meant stops the command and names the key.

use super::Desk;

/// The policies in force, by class as `security retention` lists them.
fn policies(desk: &Desk) -> Vec<String> {
    let said = desk.run(&["--json", "security", "retention"]).ok();
    let each = said.out.lines().map(|line| {
        let rule: serde_json::Value = serde_json::from_str(line).unwrap();
        rule["policy"].as_str().unwrap().to_owned()
    });
    each.collect()
}

#[test]
fn what_the_file_says_is_what_holds() {
    let desk = Desk::installed();
    let of =
        |class: &str, days: u32, why: &str| format!("retention of {class}: {days} days ({why})");
    assert_eq!(
        policies(&desk),
        ["public", "internal", "confidential", "restricted"].map(|c| of(c, 395, "default"))
    );
    let file = "[retention]\nleast_days = 30\n[retention.default]\ninternal = 200\nrestricted = 7\n[retention.most]\n\
                confidential = 90\n";
    std::fs::write(desk.path("tuesday.toml"), file).unwrap();
    assert_eq!(
        policies(&desk),
        [
            of("public", 395, "default"),
            of("internal", 200, "default"),
            of("confidential", 90, "bound of the instance"),
            // Seven days are less than nothing is erased before.
            of("restricted", 30, "bound of the instance"),
        ]
    );
}

#[test]
fn what_cannot_be_meant_names_its_key() {
    let desk = Desk::installed();
    for (file, field, why) in [
        (
            "[retention]\nleast_days = 4000\n",
            "retention.least_days",
            "is 4000 days; it is 0 to 3660",
        ),
        (
            "[retention.default]\npublic = 0\n",
            "retention.default.public",
            "is 0 days; it is 1 to 3660",
        ),
        (
            "[retention.most]\nrestricted = 3661\n",
            "retention.most.restricted",
            "is 3661 days; it is 1 to 3660",
        ),
        ("[retention]\nleast_days = \"30\"\n", "least_days", "line 2"),
        ("[retention.most]\ninternal = -1\n", "internal", "line 2"),
        (
            "[retention.most]\nsecret = 9\n",
            "secret",
            "unknown field `secret`",
        ),
        (
            "[retention]\nlongest = 9\n",
            "longest",
            "unknown field `longest`",
        ),
    ] {
        std::fs::write(desk.path("tuesday.toml"), file).unwrap();
        let said = desk.run(&["--json", "security", "retention"]).with(2);
        let problem = &said.json()["error"];
        assert_eq!(problem["code"], "bad_request", "{file}: {}", said.out);
        assert_eq!(problem["field"], field, "{file}: {}", said.out);
        let detail = problem["detail"].as_str().unwrap();
        assert!(
            detail.contains("tuesday.toml") && detail.contains(why),
            "{detail}"
        );
    }
}
