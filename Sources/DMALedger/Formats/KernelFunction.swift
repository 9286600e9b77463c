/// The kernel functions that bear on DMA ownership. Everything else that a tracer prints is irrelevant.
package enum KernelFunction: UInt8, Sendable, CaseIterable {
  /// `iommu_device_use_default_domain()`
  case use
  /// `iommu_device_unuse_default_domain()`
  case unuse
  /// `iommu_group_claim_dma_owner()`
  case claim
  /// `iommu_group_release_dma_owner()`
  case release
  /// `iommu_device_claim_dma_owner()`, 6.2 and later
  case deviceClaim
  /// `iommu_device_release_dma_owner()`, 6.2 and later
  case deviceRelease
  /// `iommu_group_dma_owner_claimed()`
  case query
  /// `really_probe()`: the window in which a driver is bound
  case reallyProbe
  /// `device_remove()`; under `really_probe()` it is the test-remove
  case deviceRemove
  /// A bus's `->remove()`, which `device_remove()` calls: `pci_device_remove()` and its like
  case busRemove
  /// `driver_bound()`: the bind is complete
  case driverBound
  /// `driver_sysfs_add()`: every pass of `really_probe()` calls it once, after the DMA configuration
  case sysfsAdd
  /// `device_unbind_cleanup()`: every pass that does not end in a bind calls it
  case unbindCleanup
  /// A bus's `->dma_configure()`
  case dmaConfigure
  /// A bus's `->dma_cleanup()`
  case dmaCleanup
  /// `device_release_driver_internal()`: a real unbind
  case releaseDriver

  /// Longest and shortest name in the table below: most symbols are told apart from ours by length alone.
  private static let lengths = 11...33

  /// The first eight bytes of every name that ``named(_:)`` knows.
  static let beginnings: [StaticString] = [
    "really_p", "driver_b", "driver_s", "device_r", "device_u", "__device", "iommu_de", "iommu_gr",
    "pci_dma_",
    "pci_devi", "platform", "amba_dma", "amba_rem", "fsl_mc_d", "cdx_dma_",
  ]

  /// The last eight bytes of every such name, compiler suffixes left away.
  static let endings: [StaticString] = [
    "t_domain", "ma_owner", "_claimed", "ly_probe", "er_bound", "ysfs_add", "e_remove", "m_remove",
    "a_remove",
    "r_remove", "_cleanup", "onfigure", "e_driver", "internal",
  ]

  /// The function behind a symbol, compiler suffixes (`.isra.0`, `.constprop.0`, `.part.0`, `.llvm.123`)
  /// included. A `.cold` part is no entry of the function.
  package static func named(_ symbol: Span<UInt8>) -> KernelFunction? {
    var end = symbol.count
    if let dot = symbol.firstIndex(of: 0x2E) {
      guard hasCompilerSuffix(symbol, at: dot) else { return nil }
      end = dot
    }
    guard lengths.contains(end) else { return nil }
    let name = symbol.extracting(0..<end)
    switch (name[0], end) {
    case (0x69, 31): return name.hasText("iommu_device_use_default_domain", at: 0) ? .use : nil
    case (0x69, 33): return name.hasText("iommu_device_unuse_default_domain", at: 0) ? .unuse : nil
    case (0x69, 27): return name.hasText("iommu_group_claim_dma_owner", at: 0) ? .claim : nil
    case (0x69, 29):
      if name.hasText("iommu_group_release_dma_owner", at: 0) { return .release }
      return name.hasText("iommu_group_dma_owner_claimed", at: 0) ? .query : nil
    case (0x69, 28): return name.hasText("iommu_device_claim_dma_owner", at: 0) ? .deviceClaim : nil
    case (0x69, 30): return name.hasText("iommu_device_release_dma_owner", at: 0) ? .deviceRelease : nil
    case (0x72, 12): return name.hasText("really_probe", at: 0) ? .reallyProbe : nil
    case (0x64, 13): return name.hasText("device_remove", at: 0) ? .deviceRemove : nil
    case (0x64, 12): return name.hasText("driver_bound", at: 0) ? .driverBound : nil
    case (0x64, 16): return name.hasText("driver_sysfs_add", at: 0) ? .sysfsAdd : nil
    case (0x64, 21): return name.hasText("device_unbind_cleanup", at: 0) ? .unbindCleanup : nil
    case (0x64, 30): return name.hasText("device_release_driver_internal", at: 0) ? .releaseDriver : nil
    case (0x5F, 23): return name.hasText("__device_release_driver", at: 0) ? .releaseDriver : nil
    default: return busFunction(name)
    }
  }

  /// The hooks of the buses that take part: `pci`, `platform`, `amba`, `fsl_mc`, `cdx`.
  private static func busFunction(_ name: Span<UInt8>) -> KernelFunction? {
    if name.hasSuffix("_dma_configure") {
      return isBus(name.extracting(0..<name.count - 14)) ? .dmaConfigure : nil
    }
    if name.hasSuffix("_dma_cleanup") {
      return isBus(name.extracting(0..<name.count - 12)) ? .dmaCleanup : nil
    }
    if name.hasSuffix("_remove") {
      if name.hasText("pci_device_remove", at: 0) || name.hasText("platform_remove", at: 0)
        || name.hasText("fsl_mc_driver_remove", at: 0) || name.hasText("amba_remove", at: 0)
      {
        return .busRemove
      }
    }
    return nil
  }

  private static func isBus(_ name: Span<UInt8>) -> Bool {
    switch name.count {
    case 3: name.hasText("pci", at: 0) || name.hasText("cdx", at: 0)
    case 4: name.hasText("amba", at: 0)
    case 6: name.hasText("fsl_mc", at: 0)
    case 8: name.hasText("platform", at: 0)
    default: false
    }
  }

  private static func hasCompilerSuffix(_ symbol: Span<UInt8>, at dot: Int) -> Bool {
    var cursor = ByteCursor(symbol, at: dot)
    while !cursor.isAtEnd {
      guard
        cursor.take(".isra.") || cursor.take(".constprop.") || cursor.take(".part.") || cursor.take(".llvm."),
        cursor.takeDecimal() != nil
      else { return false }
    }
    return true
  }

  /// The ownership call behind the function, if it is one.
  package var ownershipCall: OwnershipCallKind? {
    switch self {
    case .use: .use
    case .unuse: .unuse
    case .claim: .claim
    case .release: .release
    case .deviceClaim: .deviceClaim
    case .deviceRelease: .deviceRelease
    case .query: .query
    default: nil
    }
  }
}

extension KernelFunction {
  /// Whether a bind runs through it, behind the use or right before it.
  var isPartOfBind: Bool {
    switch self {
    case .dmaConfigure, .sysfsAdd, .driverBound: true
    default: false
    }
  }

  /// Whether an unbind runs through it, and with it the unuse.
  var isPartOfUnbind: Bool {
    switch self {
    case .releaseDriver, .deviceRemove, .busRemove, .dmaCleanup, .unbindCleanup: true
    default: false
    }
  }
}
