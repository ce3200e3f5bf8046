//! `make bench`: what it costs to test a configuration, beside keepalived in the same run.
//!
//! Both programs read the same generated files, `PROGRAM -t -f FILE`, by turns; the table shows medians. CPU time is user
//! and system together. Nothing is asserted about time: machines differ, and so does one machine from hour to hour.
//!
//! Each run goes through this program called again with `--measure`: the kernel keeps the resources of waited-for
//! children in one sum, so the one who asks must have had one child.

#![expect(clippy::disallowed_methods, reason = "a benchmark runs programs")]

use nix::sys::resource::{Resource, UsageWho, getrusage, setrlimit};
use nix::sys::time::TimeValLike;
use std::error::Error;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const OURS: &str = "target/release/keepalived";
const THEIRS: &str = "/usr/sbin/keepalived";

/// Virtual servers of 134 lines each: about 10,000, 100,000, 305,000 and 1,000,000 lines.
const SIZES: [u32; 4] = [75, 747, 2277, 7463];
const SERVERS: u32 = 16;
/// A program that needs more CPU seconds than this for one file is stopped.
const PATIENCE: u64 = 120;

#[derive(Clone, Copy)]
struct Cost {
    cpu_micros: i64,
    /// Largest resident set, KiB.
    peak: i64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    match args.as_slice() {
        [measure, program, file] if measure == "--measure" => child(program, file),
        _ => compare(),
    }
}

fn compare() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ours = root.join(OURS);
    if !ours.exists() {
        return Err(format!("{OURS} is missing: run `make bench`, which builds it").into());
    }
    let theirs = Path::new(THEIRS).exists().then(|| PathBuf::from(THEIRS));
    if theirs.is_none() {
        println!("{THEIRS} is not installed: nothing to compare with");
    }
    let folder = std::env::temp_dir().join(format!("standfast-bench-{}", std::process::id()));
    std::fs::create_dir(&folder)?;
    let result = table(&folder, &ours, theirs.as_deref());
    std::fs::remove_dir_all(&folder)?;
    result
}

fn table(folder: &Path, ours: &Path, theirs: Option<&Path>) -> Result<(), Box<dyn Error>> {
    println!("config test (-t), median of the runs; {SERVERS} real servers with a TCP_CHECK in each virtual server");
    println!(
        "{:>9} {:>8} {:>5} | {:>8} {:>8} {:>8} | {:>8} {:>8} {:>8} | {:>9}",
        "lines", "virtual", "", "standfast", "", "", "keepalived", "", "", "keepalived"
    );
    println!(
        "{:>9} {:>8} {:>5} | {:>9} {:>8} {:>8} | {:>10} {:>8} {:>8} | {:>9}",
        "", "servers", "runs", "CPU s", "ns/line", "peak MiB", "CPU s", "ns/line", "peak MiB", "/standfast"
    );
    for count in SIZES {
        let text = configuration(count);
        let lines = i64::try_from(text.lines().count())?;
        let file = folder.join(format!("{count}.conf"));
        std::fs::write(&file, text)?;
        let runs = usize::try_from((1_500_000 / lines).clamp(3, 15))?;
        let (mut our_costs, mut their_costs) = (Vec::new(), Vec::new());
        for _ in 0..runs {
            our_costs.push(measure(ours, &file)?);
            if let Some(theirs) = theirs {
                their_costs.push(measure(theirs, &file)?);
            }
        }
        let us = median(&our_costs).ok_or("no run at all")?;
        let them = median(&their_costs);
        let cells = |cost: Cost| {
            let cpu = format!("{}.{:03}", cost.cpu_micros / 1_000_000, cost.cpu_micros / 1_000 % 1_000);
            (cpu, cost.cpu_micros * 1_000 / lines, format!("{}.{}", cost.peak / 1024, cost.peak % 1024 * 10 / 1024))
        };
        let mut row = String::new();
        let (cpu, per_line, peak) = cells(us);
        write!(row, "{lines:>9} {count:>8} {runs:>5} | {cpu:>9} {per_line:>8} {peak:>8} |")?;
        if let Some(them) = them {
            let (cpu, per_line, peak) = cells(them);
            let ratio = them.cpu_micros * 100 / us.cpu_micros.max(1);
            write!(row, " {cpu:>10} {per_line:>8} {peak:>8} | {:>6}.{:02}", ratio / 100, ratio % 100)?;
        }
        println!("{row}");
        std::fs::remove_file(&file)?;
    }
    Ok(())
}

/// A faultless file: neither program has a message to print.
fn configuration(virtual_servers: u32) -> String {
    let mut text = String::new();
    for n in 0..virtual_servers {
        let net = format!("10.{}.{}", n >> 8, n & 255);
        text.push_str(&format!("virtual_server {net}.1 80 {{\n    delay_loop 6\n    lb_algo wlc\n    lb_kind DR\n    protocol TCP\n"));
        for server in 0..SERVERS {
            text.push_str(&format!(
                "    real_server {net}.{} 80 {{\n        weight 1\n        TCP_CHECK {{\n            connect_timeout 3\n            retry 2\n            delay_before_retry 1\n        }}\n    }}\n",
                server + 10
            ));
        }
        text.push_str("}\n");
    }
    text
}

fn median(costs: &[Cost]) -> Option<Cost> {
    let middle = |mut values: Vec<i64>| {
        values.sort_unstable();
        values.get(values.len() / 2).copied()
    };
    let cpu_micros = middle(costs.iter().map(|cost| cost.cpu_micros).collect())?;
    let peak = middle(costs.iter().map(|cost| cost.peak).collect())?;
    Some(Cost { cpu_micros, peak })
}

fn measure(program: &Path, file: &Path) -> Result<Cost, Box<dyn Error>> {
    let output = Command::new(std::env::current_exe()?).arg("--measure").arg(program).arg(file).stderr(Stdio::inherit()).output()?;
    let text = String::from_utf8(output.stdout)?;
    let mut numbers = text.split_whitespace();
    match (output.status.success(), numbers.next(), numbers.next()) {
        (true, Some(cpu), Some(peak)) => Ok(Cost { cpu_micros: cpu.parse()?, peak: peak.parse()? }),
        _ => Err(format!("{} -t -f {} failed", program.display(), file.display()).into()),
    }
}

/// Runs one program on one file and prints what it took.
fn child(program: &str, file: &str) -> Result<(), Box<dyn Error>> {
    setrlimit(Resource::RLIMIT_CPU, PATIENCE, PATIENCE)?;
    let output = Command::new(program).args(["-t", "-f", file]).output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{}: {}", output.status, said.lines().next().unwrap_or("no message")).into());
    }
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    println!("{} {}", usage.user_time().num_microseconds() + usage.system_time().num_microseconds(), usage.max_rss());
    Ok(())
}
