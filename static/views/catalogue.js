import { PRODUCTS } from '../products.js';
import { el, icon } from './dom.js';

/**
 * The sample products, each a click away.
 * @param {(product: import('../products.js').Product) => void} onPick
 */
export function catalogue(onPick) {
  const chips = PRODUCTS.map((product) => {
    const on = { click: () => onPick(product) };
    const props = { class: 'chip', type: 'button', testid: `product-${product.sku}`, on };
    return el('button', props, icon('plus'), product.name);
  });
  return el('div', { class: 'chips', role: 'group', 'aria-label': 'Sample products' }, ...chips);
}
