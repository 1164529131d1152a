//! One to a million callbacks of one token; see callbacks.cpp.

use super::program::Program;
use super::table::Table;

pub fn compare(program: &Program, table: &mut Table) {
    table.head(&format!("callbacks of one token, built by {}", program.compiler));
    for count in ["1", "10", "100", "1000", "10000", "100000", "1000000"] {
        program.rows(&["callbacks", count], table);
    }
}
