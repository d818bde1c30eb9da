//! A query that grows by conditions, for pages with filters. Values are always bound.

use std::fmt::Write as _;

use crate::value::Value;

/// SQL text and its values; parameters are numbered in order of appearance, as both databases need.
pub(crate) struct Select {
    sql: String,
    params: Vec<Value>,
    conditions: usize,
}

impl Select {
    /// `base` ends before any WHERE.
    pub(crate) fn new(base: &str) -> Self {
        Self {
            sql: base.to_owned(),
            params: Vec::new(),
            conditions: 0,
        }
    }

    /// Adds a condition; each `?` in it takes the next value.
    pub(crate) fn and<const N: usize>(&mut self, condition: &str, values: [Value; N]) -> &mut Self {
        self.sql.push_str(if self.conditions == 0 {
            " WHERE "
        } else {
            " AND "
        });
        self.conditions += 1;
        self.push(condition, values)
    }

    /// Adds a condition when there is a value.
    pub(crate) fn and_text(&mut self, condition: &str, value: Option<&str>) -> &mut Self {
        if let Some(v) = value {
            self.and(condition, [Value::Text(v.to_owned())]);
        }
        self
    }

    /// Adds a condition that ends in a list of values; the list is not empty.
    pub(crate) fn and_list(&mut self, condition: &str, values: &[String]) -> &mut Self {
        self.and(condition, []).list(values)
    }

    /// Adds a condition that a column is among these names, where there is a list; an empty one finds
    /// nothing.
    pub(crate) fn and_among(&mut self, column: &str, names: Option<&[String]>) -> &mut Self {
        match names {
            None => self,
            Some([]) => self.and("1 = 0", []),
            Some(names) => self.and_list(&format!("{column} IN"), names),
        }
    }

    /// Adds a list of values in brackets.
    pub(crate) fn list(&mut self, values: &[String]) -> &mut Self {
        for (i, value) in values.iter().enumerate() {
            let mark = if i == 0 { " (?" } else { ", ?" };
            self.push(mark, [Value::Text(value.clone())]);
        }
        self.push(")", [])
    }

    /// Adds text after the conditions.
    pub(crate) fn push<const N: usize>(&mut self, text: &str, values: [Value; N]) -> &mut Self {
        let mut values = values.into_iter();
        for c in text.chars() {
            if c == '?' {
                self.params.extend(values.next());
                let _ = write!(self.sql, "${}", self.params.len());
            } else {
                self.sql.push(c);
            }
        }
        self
    }

    pub(crate) fn done(&mut self) -> (String, Vec<Value>) {
        (
            std::mem::take(&mut self.sql),
            std::mem::take(&mut self.params),
        )
    }
}

/// A pattern for `lower(column) LIKE ? ESCAPE '\'` that finds `text` anywhere.
pub(crate) fn contains(text: &str) -> Value {
    pattern("%", text)
}

/// A pattern that finds what begins with `text`.
pub(crate) fn starts(text: &str) -> Value {
    pattern("", text)
}

fn pattern(before: &str, text: &str) -> Value {
    let mut pattern = String::from(before);
    for c in text.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    Value::Text(pattern)
}

/// A page size as a value.
pub(crate) fn limit(n: usize) -> Value {
    Value::Int(i64::try_from(n).unwrap_or(i64::MAX))
}
