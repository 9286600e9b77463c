/// The files of `per_cpu/cpuN/trace`.
extension KernelCapture {
  /// What each of them has: the header with the numbers of all CPUs, and the records of one. `clockStep`: times are told in
  /// so many microseconds, so that many are equal.
  func writeParts(
    _ kept: [Int], of written: Int, _ kernel: SimulatedKernel, _ clockStep: Int, _ text: inout Text
  ) {
    guard case .probes(let rendering, _) = observer else { return }
    for cpu in 0..<2 {
      let start = text.lines.count
      text.add("# tracer: nop")
      text.add("#")
      text.add("# entries-in-buffer/entries-written: \(kept.count)/\(written)   #P:2")
      text.add("#")
      let own = kept.filter { kernel.records[$0].step.cpu == cpu }
      writeLines(own, kernel, rendering, [:], clockStep: clockStep, &text)
      text.files.append(start..<text.lines.count)
    }
  }
}
