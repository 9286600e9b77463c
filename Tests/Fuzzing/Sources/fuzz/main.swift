import Glibc

/// What libFuzzer calls. One program holds all targets, because linking each would double the time of a build;
/// `--target=NAME` chooses, and libFuzzer leaves alone what begins with two dashes.

/// A property that is asked of any bytes at all.
struct FuzzTarget {
  let name: String
  /// Seconds of processor time that an input may take. Sanitizers make everything several times slower.
  let mostSeconds: Double
  let check: ([UInt8]) -> Void
}

private let targets = [
  FuzzTarget(name: "lines", mostSeconds: 4, check: LineLayer.check),
  FuzzTarget(name: "dialects", mostSeconds: 4, check: Dialects.check),
  FuzzTarget(name: "analyzer", mostSeconds: 4, check: WholeAnalyzer.check),
  FuzzTarget(name: "parts", mostSeconds: 4, check: PartsInOrder.check),
  FuzzTarget(name: "cpus", mostSeconds: 4, check: PartsOfCPUs.check),
  FuzzTarget(name: "renderers", mostSeconds: 4, check: Renderers.check),
  FuzzTarget(name: "records", mostSeconds: 4, check: Records.check),
]

private struct Totals {
  var inputs = 0
  var bytes = 0
}

nonisolated(unsafe) private var target = targets[0]
nonisolated(unsafe) private var totals = Totals()

/// Chooses the target.
@_cdecl("LLVMFuzzerInitialize")
public func initialize(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>>>
) -> CInt {
  let words = (0..<Int(count.pointee)).map { String(cString: arguments.pointee[$0]) }
  let names = words.filter { $0.hasPrefix("--target=") }.map { $0.dropFirst(9) }
  guard let name = names.last, let found = targets.first(where: { $0.name == name }) else {
    print(
      "usage: fuzz --target=\(targets.map(\.name).joined(separator: "|")) [libFuzzer's options and folders]")
    exit(2)
  }
  target = found
  atexit { fputs("stat::bytes_tried: \(totals.bytes)\n", stderr) }
  return 0
}

/// Asks the target's property of an input.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let input = Array(UnsafeBufferPointer(start: data, count: count))
  totals.inputs += 1
  totals.bytes += count
  let before = clock()
  target.check(input)
  // Processor time: a busy machine is no slow input.
  let seconds = Double(clock() - before) / Double(CLOCKS_PER_SEC)
  require(seconds < target.mostSeconds, "\(count) bytes take \(seconds) s of processor time")
  return 0
}

/// Changes an input in place.
@_cdecl("LLVMFuzzerCustomMutator")
public func mutate(_ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ room: Int, _ seed: CUnsignedInt) -> Int
{
  LineMutator.mutate(UnsafeMutableBufferPointer(start: data, count: room), size: size, seed: UInt64(seed))
}

/// Ends the process where a property does not hold; libFuzzer then keeps the input.
func require(_ holds: Bool, _ message: @autoclosure () -> String) {
  if holds { return }
  fputs("property violated: \(message())\n", stderr)
  abort()
}
