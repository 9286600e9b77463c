import TestSupport
import Testing

/// How many threads there are where nobody says how many.
@Suite("Processors")
struct ProcessorTests {
  /// Has the command read a frame that does not end, and prints how many processors it may run on and how many threads it
  /// had: a second one decodes ahead, where there may be two.
  private static let script = #"""
    folder=$(mktemp -d)
    mkfifo "$folder/pipe"
    exec 3<>"$folder/pipe"
    head -c 300000 /dev/urandom | zstd -q -c | head -c 200000 >"$folder/frame"
    "$@" "$dmaledger" - <"$folder/pipe" >/dev/null 3>&- &
    process=$!
    cat "$folder/frame" >&3
    most=1
    for try in {1..20}; do
      sleep 0.1
      threads=(/proc/$process/task/*)
      if ((${#threads[@]} > most)); then most=${#threads[@]}; fi
    done
    kill -9 $process
    rm -r "$folder"
    echo "$("$@" nproc) $most"
    """#

  @Test("only those count that this process may run on")
  func affinity() throws {
    let first = try CommandRun(script: "taskset -cp $$ | sed 's/.*: //; s/[-,].*//'").output
    let one = first.split(separator: "\n").joined()
    #expect(try CommandRun(script: Self.script, ["taskset", "-c", one]).output == "1 1\n")
    let all = try CommandRun(script: Self.script, ["env"]).output.split(separator: " ")
    #expect(all.last == (all.first == "1" ? "1\n" : "2\n"))
  }
}
