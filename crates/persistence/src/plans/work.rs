//! What a plan cost when it was carried out, on PostgreSQL.

use std::collections::BTreeMap;

use serde_json::Value;

/// What a plan cost when it was carried out.
#[derive(Debug, Default)]
pub struct Work {
    /// Taken from tables and indexes, those that were thrown away included.
    pub rows: f64,
    /// Of tables and indexes.
    pub blocks: f64,
    /// Tables read from end to end.
    pub scanned: Vec<String>,
    /// The index by which each table was read, by its name in the statement.
    pub indexes: BTreeMap<String, String>,
}

impl Work {
    /// Adds a node and all below it.
    pub fn add(&mut self, node: &Value) {
        let number = |name: &str| node[name].as_f64().unwrap_or(0.0);
        let kind = node["Node Type"].as_str().unwrap_or_default();
        let table = node["Relation Name"].as_str().unwrap_or_default();
        // There are too few hotels for an index to be worth while.
        if !table.is_empty() && table != "hotels" {
            let thrown_away =
                number("Rows Removed by Filter") + number("Rows Removed by Index Recheck");
            self.rows += (number("Actual Rows") + thrown_away) * number("Actual Loops");
            if kind == "Seq Scan" {
                self.scanned.push(table.to_owned());
            }
            if let (Some(alias), Some(index)) =
                (node["Alias"].as_str(), node["Index Name"].as_str())
            {
                self.indexes.insert(alias.to_owned(), index.to_owned());
            }
        }
        // Of a node and all below it.
        self.blocks = self.blocks.max(number("Shared Hit Blocks") + number("Shared Read Blocks"));
        for inner in node["Plans"].as_array().into_iter().flatten() {
            self.add(inner);
        }
    }
}
