//! Expressions and templates over the facts of a run (Jinja syntax, sandboxed, with a step limit).
//!
//! Strict about what is undefined: a template that names something the run does not have is an
//! error, never an empty string. Expressions read data; they cannot call out, loop for ever or
//! change anything.

use std::sync::LazyLock;

use minijinja::{Environment, UndefinedBehavior};
use serde_json::Value;

/// Steps one evaluation may take before it is cut; a template of a few pages needs some thousands.
const FUEL: u64 = 200_000;

static ENV: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_fuel(Some(FUEL));
    env
});

/// A compiled expression.
#[derive(Debug)]
pub struct Expr {
    text: String,
    compiled: minijinja::Expression<'static, 'static>,
}

impl Expr {
    /// Compiles `text`.
    ///
    /// # Errors
    /// The syntax error in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let compiled = ENV
            .compile_expression_owned(text.to_owned())
            .map_err(|e| words(&e))?;
        Ok(Self {
            text: text.to_owned(),
            compiled,
        })
    }

    /// The expression as written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Names it reads, dotted (`input.amount`).
    #[must_use]
    pub fn reads(&self) -> Vec<String> {
        let mut names: Vec<_> = self
            .compiled
            .undeclared_variables(true)
            .into_iter()
            .collect();
        names.sort();
        names
    }

    /// Its value; undefined becomes `null`.
    ///
    /// # Errors
    /// When it reads through something undefined, mixes types, or takes too long.
    pub fn eval(&self, ctx: &Ctx) -> Result<Value, String> {
        let v = self.compiled.eval(&ctx.0).map_err(|e| words(&e))?;
        if v.is_undefined() {
            return Ok(Value::Null);
        }
        serde_json::to_value(&v).map_err(|e| e.to_string())
    }
}

/// A compiled template.
#[derive(Debug)]
pub struct Text {
    env: Environment<'static>,
}

impl Text {
    /// Compiles `source`.
    ///
    /// # Errors
    /// The syntax error in words, with its line.
    pub fn parse(source: &str) -> Result<Self, String> {
        let mut env = ENV.clone();
        env.add_template_owned("t", source.to_owned())
            .map_err(|e| words(&e))?;
        Ok(Self { env })
    }

    /// Names it reads, dotted.
    #[must_use]
    pub fn reads(&self) -> Vec<String> {
        let mut names: Vec<_> = self
            .env
            .get_template("t")
            .map(|t| t.undeclared_variables(true).into_iter().collect())
            .unwrap_or_default();
        names.sort();
        names
    }

    /// The rendered text.
    ///
    /// # Errors
    /// When it names something undefined or takes too long.
    pub fn render(&self, ctx: &Ctx) -> Result<String, String> {
        self.env
            .get_template("t")
            .and_then(|t| t.render(&ctx.0))
            .map_err(|e| words(&e))
    }
}

/// Facts in the shape expressions read, converted once and used by many.
#[derive(Clone, Debug)]
pub struct Ctx(minijinja::Value);

impl Ctx {
    /// From a JSON object.
    #[must_use]
    pub fn new(facts: &Value) -> Self {
        Self(minijinja::Value::from(minijinja::value::Serde(facts)))
    }
}

/// Renders `template` once over `facts`.
///
/// # Errors
/// As [`Text::parse`] and [`Text::render`].
pub fn render(template: &str, facts: &Value) -> Result<String, String> {
    Text::parse(template)?.render(&Ctx::new(facts))
}

/// Evaluates `expr` once over `facts`.
///
/// # Errors
/// As [`Expr::parse`] and [`Expr::eval`].
pub fn eval(expr: &str, facts: &Value) -> Result<Value, String> {
    Expr::parse(expr)?.eval(&Ctx::new(facts))
}

/// True for what people mean by "missing": absent, null, empty, blank, or a placeholder.
#[must_use]
pub fn is_missing(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::String(s)) => {
            let s = s.trim();
            s.is_empty()
                || ["n/a", "na", "-", "none", "null", "unknown", "?", "tbd"]
                    .contains(&s.to_lowercase().as_str())
        }
        Some(_) => false,
    }
}

/// The value at a dotted path.
#[must_use]
pub fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |v, key| v.get(key))
}

fn words(e: &minijinja::Error) -> String {
    match (e.detail(), e.line()) {
        (Some(d), Some(line)) => format!("line {line}: {}: {d}", e.kind()),
        (Some(d), None) => format!("{}: {d}", e.kind()),
        (None, _) => e.kind().to_string(),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn undefined_names_are_errors_in_templates_and_null_in_expressions() {
        let facts = json!({"input": {"a": 1}});
        assert!(render("{{ input.b }}", &facts).is_err());
        assert_eq!(eval("input.b", &facts).unwrap(), Value::Null);
        assert!(eval("crm.tier", &facts).is_err());
        assert_eq!(eval("input.a + 1 > 1", &facts).unwrap(), json!(true));
    }

    #[test]
    fn endless_templates_are_cut() {
        assert!(
            render(
                "{% for i in range(9000) %}{% for j in range(9000) %}x{% endfor %}{% endfor %}",
                &json!({})
            )
            .is_err()
        );
    }

    #[test]
    fn placeholders_count_as_missing() {
        for v in [
            json!(null),
            json!(""),
            json!("  "),
            json!("N/A"),
            json!("-"),
        ] {
            assert!(is_missing(Some(&v)), "{v}");
        }
        assert!(!is_missing(Some(&json!(0))));
        assert!(!is_missing(Some(&json!(false))));
    }
}
