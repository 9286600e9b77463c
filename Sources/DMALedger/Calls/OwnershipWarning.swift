/// A WARN of the kernel about ownership. It names a function and a task, never a device or a group.
///
///     `WARNING: CPU: 8 PID: 5182 at drivers/iommu/iommu.c:3211 iommu_device_unuse_default_domain+0x38/0x90`
///     `WARNING: drivers/iommu/iommu.c:650 at iommu_device_unuse_default_domain+0x3a0/0x608, CPU#7: init/1`
struct OwnershipWarning: Sendable {
  enum Kind: Sendable, CaseIterable {
    /// An unuse at count 0, or, from 6.2 on, while a PASID is attached.
    case unuse
    /// A release of a group without owner or count; or its default domain could not be attached again.
    case release
    /// The last member left a group whose count is not 0, or with a foreign domain attached (6.4 and later).
    case freed
  }

  var kind: Kind
  /// The task that ran into it; -1 where the line does not say.
  var pid: Int32
  var witness: Witness

  /// The warning in a line; `nil` where it warns of something else.
  init?(_ line: Span<UInt8>, _ witness: Witness) {
    guard let kind = Self.kind(line) else { return nil }
    self.kind = kind
    pid = Self.pid(line)
    self.witness = witness
  }

  private static func kind(_ line: Span<UInt8>) -> Kind? {
    if names(line, "iommu_device_unuse_default_domain") { return .unuse }
    for name in [
      "iommu_group_release_dma_owner", "iommu_device_release_dma_owner", "__iommu_release_dma_ownership",
    ] as [StaticString] where names(line, name) { return .release }
    for name in ["__iommu_group_free_device", "iommu_release_device", "iommu_deinit_device"] as [StaticString]
    where names(line, name) { return .freed }
    return nil
  }

  /// Whether the line names the function: a symbol with an offset behind it, whatever the compiler added to it.
  private static func names(_ line: Span<UInt8>, _ name: StaticString) -> Bool {
    guard let place = line.firstIndex(of: name) else { return false }
    let end = place + name.utf8CodeUnitCount
    guard end < line.count, line[end] == 0x2B || line[end] == 0x2E else { return false }
    return place == 0 || !line[place - 1].isSymbol
  }

  private static func pid(_ line: Span<UInt8>) -> Int32 {
    if let place = line.firstIndex(of: " PID: ") {
      var cursor = ByteCursor(line, at: place + 6)
      return cursor.takeDecimal().flatMap { Int32(exactly: $0) } ?? -1
    }
    // A task's name may hold slashes: the pid is behind the last one.
    guard line.contains(", CPU#") else { return -1 }
    var slash = line.count
    while slash > 0, line[slash - 1] != 0x2F { slash -= 1 }
    var cursor = ByteCursor(line, at: slash)
    return cursor.takeDecimal().flatMap { Int32(exactly: $0) } ?? -1
  }
}
