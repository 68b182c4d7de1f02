/* Kernels that Swift cannot say: VNNI, BF16, masked loads. */
