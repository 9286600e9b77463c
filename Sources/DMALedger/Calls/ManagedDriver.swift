/// Drivers that manage DMA themselves (`driver_managed_dma`) never hold a reference: VFIO's own, pcieport, pci-stub.
enum ManagedDriver {
  static func isManaged(_ name: Span<UInt8>) -> Bool {
    name.contains("vfio") || name.hasText("pcieport", at: 0) || name.hasText("pci-stub", at: 0)
  }
}
