"""What tools need to know of masks, which stand for secrets in every result of a tool.

Results are masked wherever they come from; a tool that cuts texts hides key blocks before it does,
and masks lines of which it shows a part: nobody could tell of half a secret what it is.
"""

from codelab.kit.masking import mask, mask_key_blocks, masks_in

__all__ = ["mask", "mask_key_blocks", "masks_in"]
