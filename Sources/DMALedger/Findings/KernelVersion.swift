/// A kernel release as far as it can be compared: `6.1.192` of `6.1.192-1-amd64`.
struct KernelVersion: Comparable {
  var major: Int
  var minor: Int
  var patch: Int
  /// False where a distribution counts in its own numbers: every `6.1.0-13-amd64` is built from a later 6.1.
  var isPatchKnown = true

  init(_ major: Int, _ minor: Int, _ patch: Int = 0) {
    self.major = major
    self.minor = minor
    self.patch = patch
  }

  /// The numbers that `uname -r` begins with; `nil` where there are none.
  init?(_ release: String?) {
    guard let release else { return nil }
    let numbers = release.split(whereSeparator: { $0 == "." || $0 == "-" || $0 == "+" }).prefix(3)
      .map { Int($0.prefix(while: \.isNumber)) }
    guard numbers.count >= 2, let major = numbers[0], let minor = numbers[1] else { return nil }
    self.init(major, minor, numbers.count > 2 ? numbers[2] ?? 0 : 0)
    let rest = release.dropFirst("\(major).\(minor).0".count)
    isPatchKnown = patch > 0 || !(rest.first == "-" && rest.dropFirst().first?.isNumber == true)
  }

  static func < (left: KernelVersion, right: KernelVersion) -> Bool {
    (left.major, left.minor, left.patch) < (right.major, right.minor, right.patch)
  }

  /// `6.1`
  var series: String { "\(major).\(minor)" }

  /// Kernels from here on let iommufd claim and release a device's group.
  static let firstWithDeviceClaims = KernelVersion(6, 2)

  /// Kernels from here on let probes name arguments by BTF, at a return too; older ones need offsets.
  static let firstWithNamedArguments = KernelVersion(6, 9)
}
