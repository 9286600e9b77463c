import ArgumentParser

/// The exit codes, frozen: scripts depend on them. Wrong usage is 64, which the argument parser gives by itself.
enum ExitStatus: Int32 {
  case balanced = 0
  case findings = 1
  case unreadable = 2
  case inconclusive = 3

  var code: ExitCode { ExitCode(rawValue) }
}
