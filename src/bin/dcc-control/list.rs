//! Shows the jobs of all hosts once. Each page of a host's jobs is written before the next page is
//! asked for, so that a million jobs take no more memory than a thousand.

use crate::hosts::{self, Host, Hosts};
use crate::out::{complain, say, say_json_part};
use crate::show;

/// Shows the jobs of all hosts, or of the host `process`. With `all`, every job is shown, otherwise
/// only the first page of each host. False: no host was found, or one did not answer.
pub fn list(process: Option<u32>, ended: bool, all: bool, as_json: bool) -> Result<bool, String> {
    let Hosts { found, failed } = hosts::all(process, ended)?;
    if as_json {
        write_json(&found, ended, all)?;
    } else {
        for host in &found {
            say(&show::host(host, all));
            if all {
                each_further_page(host, ended, |page| {
                    page.jobs().for_each(|job| say(&format!("  {}", show::job(&job))));
                })?;
            }
        }
        if found.is_empty() && failed == 0 {
            complain(hosts::NONE);
        }
    }
    Ok(!found.is_empty() && failed == 0)
}

/// Asks a host for the pages of jobs after the page `host`, and passes each to `each`.
fn each_further_page(host: &Host, ended: bool, mut each: impl FnMut(&Host)) -> Result<(), String> {
    let mut next = host.next();
    while let Some(from) = next {
        let page = hosts::look_from(host.process, ended, from)?;
        each(&page);
        next = page.next();
    }
    Ok(())
}

/// Writes a list of the hosts' answers. With `all`, the pages of a host are joined into one answer.
fn write_json(found: &[Host], ended: bool, all: bool) -> Result<(), String> {
    say_json_part("[");
    for (number, host) in found.iter().enumerate() {
        let comma = if number == 0 { "" } else { "," };
        if !all {
            say_json_part(&format!("{comma}{}", host.answer));
            continue;
        }
        let about = ["host", "polls_without_job", "dispatchers"];
        let about = about.map(|name| format!(r#""{name}":{}"#, host.answer[name]));
        say_json_part(&format!(r#"{comma}{{{},"jobs":["#, about.join(",")));
        let mut comma = "";
        let mut jobs_of = |page: &Host| {
            for job in page.jobs() {
                say_json_part(&format!("{comma}{}", job.0));
                comma = ",";
            }
        };
        jobs_of(host);
        each_further_page(host, ended, jobs_of)?;
        say_json_part(r#"],"next":null,"more":0}"#);
    }
    say("]");
    Ok(())
}
