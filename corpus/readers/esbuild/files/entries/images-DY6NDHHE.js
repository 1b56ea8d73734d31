var $="/media/small-RE54D5CG.png";var r="/media/large-J3IXRYFM.png";var H="/media/team-MEETTEAM-ZC3ZZ3IZ.jpg";export{r as large,$ as small,H as team};
//# sourceMappingURL=/entries/images-DY6NDHHE.js.map
