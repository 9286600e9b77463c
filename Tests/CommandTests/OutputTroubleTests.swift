import Foundation
import TestSupport
import Testing

@Suite("Outputs that cannot be written")
struct OutputTroubleTests {
  private static let full = "No space left on device; make room there, or name another place"

  private static let fullPlaces = [
    "$dmaledger $2 >/dev/full", "$dmaledger $2 --format json >/dev/full",
    "$dmaledger $2 --format html >/dev/full",
    "$dmaledger $2 --format jsonl >/dev/full", "$dmaledger $2 --format sarif >/dev/full",
    "$dmaledger $2 -o /dev/full",
    "$dmaledger $2 --junit /dev/full", "$dmaledger $2 --github-summary /dev/full",
    "$dmaledger batch $2 >/dev/full",
    "$dmaledger batch $2 -o - >/dev/full", "$dmaledger batch $2 -o /dev/full",
    "$dmaledger explain --all >/dev/full",
    "$dmaledger --help >/dev/full",
  ].map { TroubleCase($0, $0, 2, says: full, leaves: []) }

  @Test("a full disk is told with what to do, whatever is written", arguments: fullPlaces)
  func fullDisk(_ trouble: TroubleCase) throws { try trouble.check() }

  private static let limits = [
    // Blocks of 1 KiB.
    TroubleCase(
      "a report", #"ulimit -f 2; $dmaledger $2 --format json -o "$1/a""#, 2,
      says: "a: File too large; raise the limit of file sizes", leaves: []),
    TroubleCase(
      "one report of several", #"echo old >"$1/a"; ulimit -f 2; $dmaledger $2 --sarif "$1/a" --json "$1/b""#,
      2,
      says: "File too large", leaves: ["a"]),
    TroubleCase(
      "a summary that is added to",
      #"echo old >"$1/a"; (ulimit -f 1; exec $dmaledger $3 --github-summary "$1/a"); s=$?; [[ $(cat "$1/a") == old ]] && exit $s"#,
      2, says: "File too large", leaves: ["a"]),
    TroubleCase(
      "records merged, which are of no use in part",
      #"$dmaledger $2 --format jsonl -o "$1/a"; ulimit -f 2; $dmaledger merge -q "$1/a" -o "$1/b""#, 2,
      says: "File too large", leaves: ["a"]),
    TroubleCase(
      "records put aside in TMPDIR",
      #"$dmaledger $2 --format jsonl -o "$1/a"; mkdir "$1/t"; ulimit -f 1; TMPDIR="$1/t" $dmaledger merge "$1/a"; s=$?; rmdir "$1/t"; exit $s"#,
      2, says: "temporary file in TMPDIR", leaves: ["a"]),
    TroubleCase(
      "no TMPDIR", #"TMPDIR="$1/t" $dmaledger merge "$2""#, 2, says: "t): No such file or directory",
      leaves: []),
    TroubleCase(
      "records of a run, which goes on with --resume when there is room",
      #"""
      for i in {1..40}; do cp $3 "$1/in$i"; done
      $dmaledger batch -q "$1"/in* -o "$1/whole"
      (ulimit -f 300; exec $dmaledger batch -q "$1"/in* -o "$1/b"); [[ $? == 2 && -s "$1/b.part" && ! -e "$1/b" ]] || exit 9
      $dmaledger batch -q "$1"/in* -o "$1/b" --resume; cmp "$1/whole" "$1/b" && rm "$1"/in*
      """#, 0, says: "File too large", leaves: ["b", "whole"]),
  ]

  @Test("what does not fit leaves nothing half-written behind", arguments: limits)
  func sizeLimits(_ trouble: TroubleCase) throws { try trouble.check() }

  private static let pipes = [
    "$dmaledger $2", "$dmaledger $2 --format json", "$dmaledger $2 --format jsonl",
    "$dmaledger batch $2 -o -",
    "$dmaledger batch $2", "$dmaledger explain --all", "$dmaledger --help",
  ].map {
    TroubleCase(
      $0, $0 + #" 2>"$1/words" | true; s=${PIPESTATUS[0]}; cat "$1/words"; [[ ! -s $1/words ]] && exit $s"#, 0
    )
  }

  @Test("a reader who goes away is a quiet success", arguments: pipes)
  func closedPipe(_ trouble: TroubleCase) throws { try trouble.check() }

  private static let closed = [
    TroubleCase(
      "standard output", "$dmaledger $2 >&-", 2, says: "standard output: Bad file descriptor; it is closed"),
    TroubleCase(
      "standard output of help", "$dmaledger --help >&-", 2, says: "standard output: Bad file descriptor"),
    TroubleCase("standard error, and nothing to say", "$dmaledger $3 2>&-", 1, says: "UNBALANCED"),
    TroubleCase("standard error, and much to say", "$dmaledger no-such-file 2>&-", 2),
    TroubleCase(
      "standard error, whose reader has gone",
      #"{ $dmaledger no-such-file $3; echo $? >"$1/s"; } 2>&1 >/dev/null | true; exit $(cat "$1/s")"#, 2
    ),
    TroubleCase(
      "all three, and the report goes to a file",
      #"$dmaledger $2 -o "$1/a"; $dmaledger $2 no-such-file -o "$1/b" <&- >&- 2>&-; s=$?; cmp "$1/a" "$1/b" && exit $s"#,
      2,
      leaves: ["a", "b"]),
    TroubleCase(
      "all three, and records go to a file",
      #"$dmaledger batch -q $2 -o "$1/a"; $dmaledger batch -q $2 -o "$1/b" <&- >&- 2>&-; s=$?; cmp "$1/a" "$1/b" && exit $s"#,
      0,
      leaves: ["a", "b"]),
  ]

  @Test("a stream that is closed is told where it matters, and no file takes its place", arguments: closed)
  func closedStreams(_ trouble: TroubleCase) throws { try trouble.check() }

  private static let places = [
    TroubleCase(
      "no such folder", #"$dmaledger $2 -o "$1/a/b""#, 2, says: "No such file or directory; make the folder",
      leaves: []),
    TroubleCase(
      "a folder", #"$dmaledger $2 -o "$1""#, 2, says: "Is a directory; name a file in it", leaves: []),
    TroubleCase(
      "a name as long as names may be",
      #"n=$(printf %0255d 0); $dmaledger $2 -o "$1/$n"; s=$?; rm "$1/$n"; exit $s"#, 0, leaves: []),
    TroubleCase(
      "a name that is too long", #"$dmaledger $2 -o "$1/$(printf %0256d 0)""#, 2, says: "File name too long",
      leaves: []),
    TroubleCase(
      "a name that is no text", #"$dmaledger $2 -o "$1/"$'\xff'; s=$?; rm "$1/"$'\xff'; exit $s"#, 0,
      leaves: []),
    TroubleCase(
      "records into a pipe, which stays one",
      #"mkfifo "$1/a"; cat "$1/a" >"$1/b" & $dmaledger batch -q $2 -o "$1/a"; s=$?; wait; [[ -p $1/a && -s $1/b ]] && exit $s"#,
      0,
      leaves: ["a", "b"]),
    TroubleCase(
      "records to the null device, which stays one",
      #"ln -s /dev/null "$1/a"; $dmaledger batch -q $2 -o "$1/a"; s=$?; [[ -c $1/a ]] && exit $s"#,
      0, leaves: ["a"]),
    TroubleCase(
      "a link that somebody has put where the records are drafted",
      #"echo kept >"$1/a"; ln -s a "$1/b.part"; $dmaledger batch -q $2 -o "$1/b"; s=$?; [[ $(cat "$1/a") == kept ]] && exit $s"#,
      2, says: "b.part: Too many levels of symbolic links"),
    TroubleCase(
      "outputs of a merge whose records are damaged",
      #"echo x >"$1/a"; $dmaledger merge "$1/a" --junit "$1/b" -o "$1/c""#, 2, says: "line 1", leaves: ["a"]),
    TroubleCase(
      "records of a run that cannot write its other outputs",
      #"$dmaledger batch $2 -o "$1/a" --junit "$1/b/c""#, 2, says: "No such file or directory", leaves: []),
  ]

  @Test(
    "a path that cannot be written is told with what to do, and nothing else is touched", arguments: places)
  func badPlaces(_ trouble: TroubleCase) throws { try trouble.check() }

  private static let ends = ["HUP", "INT", "TERM"].flatMap { signal in
    [
      ("a report", #"$dmaledger "$1/in" --junit "$1/a" --format html -o "$1/b""#),
      ("records that are merged", #"$dmaledger merge "$1/in" -o "$1/a" --tap "$1/b""#),
      ("records of a run", #"$dmaledger batch "$1/in" -o "$1/a" --sarif "$1/b" -q"#),
    ].map { name, command in
      // Shells have their children ignore SIGINT where they run beside them; what is ignored stays so.
      TroubleCase(
        "SIG\(signal): \(name)",
        #"""
        mkfifo "$1/in"; env --default-signal=INT \#(command) & exec 3>"$1/in"
        [[ $(ls "$1"/*.part | wc -l) == 2 ]] || exit 9
        kill -\#(signal) $!; wait $!; s=$?; rm "$1/in"; exit $((s - 128))
        """#, signal == "HUP" ? SIGHUP : signal == "INT" ? SIGINT : SIGTERM, leaves: [])
    }
  }

  @Test(
    "a run that is ended by a signal leaves nothing behind and ends as the signal has it", arguments: ends)
  func signals(_ trouble: TroubleCase) throws { try trouble.check() }
}
