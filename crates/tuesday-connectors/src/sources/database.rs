//! Databases named by a definition: which one is meant, how values go in and out, which names are
//! safe. Shared by sources, destinations and feeds.

use std::path::{Path, PathBuf};

use rusqlite::types::Value as Sqlite;
use serde_json::Value;
use tokio_postgres::types::{Format, IsNull, ToSql, Type, private::BytesMut};

/// What `database = "…"` names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Database {
    /// A file.
    Sqlite(PathBuf),
    /// A secret reference whose value is a `PostgreSQL` URL.
    Postgres(String),
}

impl Database {
    /// Reads the setting; relative files start at `base`.
    pub(crate) fn parse(setting: Option<&str>, base: &Path) -> Result<Self, String> {
        let setting = setting.ok_or("`database` is missing")?;
        match setting.split_once(':') {
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::Sqlite(base.join(path))),
            Some(("env" | "file" | "vault", rest)) if !rest.is_empty() => {
                Ok(Self::Postgres(setting.to_owned()))
            }
            // The setting is not shown: somebody may have pasted an address with a password.
            _ => Err(
                "`database` must be `sqlite:PATH` or a secret reference to a PostgreSQL address"
                    .to_owned(),
            ),
        }
    }

    /// For people and records; holds no secret.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite:{}", path.display()),
            Self::Postgres(reference) => reference.clone(),
        }
    }
}

/// A quoted identifier. Only letters, digits and `_`, so that no name can leave its quotes.
pub(crate) fn ident(name: &str) -> Result<String, String> {
    let mut chars = name.chars();
    let first = chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if !first || name.len() > 63 || !chars.all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(format!(
            "`{}` is not a column or table name",
            name.escape_debug()
        ));
    }
    Ok(format!("\"{name}\""))
}

/// A quoted table, with or without its schema, and the prefix of tables beside it.
pub(crate) fn table(name: &str) -> Result<(String, String), String> {
    match name.split_once('.') {
        Some((schema, table)) => {
            let schema = ident(schema)?;
            Ok((format!("{schema}.{}", ident(table)?), format!("{schema}.")))
        }
        None => Ok((ident(name)?, String::new())),
    }
}

/// A JSON value as text for people and for typed text parameters; `None` is NULL.
pub(crate) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(s) => Some(s.clone()),
        other => Some(other.to_string()),
    }
}

/// A JSON value as `SQLite` keeps it.
pub(crate) fn to_sqlite(value: &Value) -> Sqlite {
    match value {
        Value::Null => Sqlite::Null,
        Value::Bool(b) => Sqlite::Integer(i64::from(*b)),
        Value::Number(n) => match (n.as_i64(), n.as_f64()) {
            (Some(i), _) => Sqlite::Integer(i),
            (None, Some(f)) => Sqlite::Real(f),
            (None, None) => Sqlite::Text(n.to_string()),
        },
        Value::String(s) => Sqlite::Text(s.clone()),
        other => Sqlite::Text(other.to_string()),
    }
}

/// A `SQLite` value as JSON. In a column declared as money or decimal, numbers come out as text, so
/// that nobody computes with a rounded amount.
pub(crate) fn from_sqlite(value: rusqlite::types::ValueRef<'_>, declared: Option<&str>) -> Value {
    use rusqlite::types::ValueRef as V;
    let exact = declared.is_some_and(|d| {
        let d = d.to_ascii_uppercase();
        ["DECIMAL", "NUMERIC", "MONEY"]
            .iter()
            .any(|k| d.starts_with(k))
    });
    match value {
        V::Null => Value::Null,
        V::Integer(i) if exact => Value::String(i.to_string()),
        V::Real(f) if exact => Value::String(f.to_string()),
        V::Integer(i) => Value::from(i),
        V::Real(f) => Value::from(f),
        V::Text(t) => Value::String(String::from_utf8_lossy(t).into_owned()),
        V::Blob(b) => Value::String(hex::encode(b)),
    }
}

/// A parameter sent as text: the server converts it to the type of the column, so one kind of
/// parameter serves numbers, dates, money and text alike.
#[derive(Debug)]
pub(crate) struct TextParam(pub(crate) Option<String>);

impl TextParam {
    pub(crate) fn of(value: &Value) -> Self {
        Self(text_of(value))
    }
}

impl ToSql for TextParam {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match &self.0 {
            None => Ok(IsNull::Yes),
            Some(text) => {
                out.extend_from_slice(text.as_bytes());
                Ok(IsNull::No)
            }
        }
    }
    fn accepts(_: &Type) -> bool {
        true
    }
    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }
    fn to_sql_checked(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        self.to_sql(ty, out)
    }
}

/// Borrowed parameters in the shape the client wants.
pub(crate) fn borrowed(params: &[TextParam]) -> Vec<&(dyn ToSql + Sync)> {
    params.iter().map(|p| p as &(dyn ToSql + Sync)).collect()
}

/// The expression that reads a column of type `ty` as text, times as RFC 3339.
pub(crate) fn as_text(column: &str, ty: &Type) -> String {
    match *ty {
        Type::TIMESTAMPTZ => {
            format!("to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
        }
        _ => format!("{column}::text"),
    }
}

/// Text read by [`as_text`] as JSON. Exact numbers (`numeric`, `money`) stay text.
pub(crate) fn from_text(text: Option<String>, ty: &Type) -> Value {
    let Some(text) = text else { return Value::Null };
    match *ty {
        Type::BOOL => Value::Bool(text == "true" || text == "t"),
        Type::INT2
        | Type::INT4
        | Type::INT8
        | Type::FLOAT4
        | Type::FLOAT8
        | Type::JSON
        | Type::JSONB => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        _ => Value::String(text),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_quotes() {
        assert_eq!(ident("deal_id").unwrap(), "\"deal_id\"");
        assert_eq!(table("crm.deals").unwrap().0, "\"crm\".\"deals\"");
        for bad in ["", "1a", "a b", "a\"b", "a;drop", "a.b.c", "ä"] {
            assert!(table(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_pasted_address_is_not_shown() {
        let error = Database::parse(Some("postgres://u:canary@h/db"), Path::new(".")).unwrap_err();
        assert!(!error.contains("canary"));
    }

    #[test]
    fn amounts_stay_exact() {
        let v = from_sqlite(rusqlite::types::ValueRef::Real(12.5), Some("DECIMAL(10,2)"));
        assert_eq!(v, Value::String("12.5".into()));
    }
}
